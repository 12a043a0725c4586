import { linkedPairs } from "./file.ts";
import type { LabLink } from "./file.ts";
import { awaitNetworks } from "./node-runtime.ts";
import { inParallel } from "./parallel.ts";
import { readPodOwner } from "./pod-owner.ts";
import { providePods, wishOf } from "./pods.ts";
import { stateOf } from "./state.ts";
import { namesOf, withLogs } from "./target.ts";
import type { Target } from "./target.ts";
import { askHub, hubStatus } from "./trestle.ts";
import { waitUntil } from "./wait.ts";

/** What makes a mesh of a lab's clusters: links and pods. Each step finds done what is done already. */

/** Makes the links of the file. */
export async function createLinks({ lab, layout, file }: Target, signal: AbortSignal): Promise<void> {
  await withLogs(lab, ["hub"], async () => {
    const present = await namesOf(lab, layout, "links", signal);
    const lacking = file.links.filter(({ name }) => !present.includes(name));
    await inParallel(
      signal,
      lacking.map((link) => async (either) => void (await askHub(lab, layout, linkWords(link), either))),
    );
  });
}

function linkWords({ name, clusters, selector, from, to, tunnel, mtu }: LabLink): string[] {
  return [
    "link",
    "create",
    name,
    "--tunnel",
    tunnel,
    ...(clusters ? ["--members", clusters.join(",")] : []),
    ...(selector
      ? [
          "--selector",
          Object.entries(selector)
            .map(([key, value]) => `${key}=${value}`)
            .join(","),
        ]
      : []),
    ...(from ? ["--from", from.join(",")] : []),
    ...(to ? ["--to", to.join(",")] : []),
    ...(mtu === undefined ? [] : ["--mtu", String(mtu)]),
  ];
}

/** Waits until every machine's agent can give pods a network. */
export async function awaitPodNetworks({ lab, layout }: Target, signal: AbortSignal): Promise<void> {
  const nodes = layout.sites.flatMap((site) => site.nodes);
  await awaitNetworks(lab, nodes, signal);
}

/** Makes the pods of the file, and again those that were added later and lost their namespace. */
export async function makePods({ lab, file }: Target, signal: AbortSignal): Promise<void> {
  const { pods: recorded } = stateOf(lab);
  await inParallel(
    signal,
    file.clusters.map((cluster) => async (either) => {
      const own = recorded.filter((pod) => pod.cluster === cluster.name);
      const added = own.filter(({ name }) => !cluster.pods.some((pod) => pod.name === name)).map(wishOf);
      const wishes = [...cluster.pods.map((pod) => ({ ...pod, owner: readPodOwner(pod.owner ?? "") })), ...added];
      if (wishes.length === 0) return;
      const agents = new Set(wishes.map(({ node }) => `agent:${cluster.name}/${node}`));
      await withLogs(lab, [...agents], async () => {
        const [failure] = await providePods(lab, cluster.name, wishes, either);
        if (failure !== undefined) throw failure.error;
      });
    }),
  );
}

/** Waits until the hub has heard that every linked pair is up. */
export async function awaitPairs({ lab, layout, file }: Target, signal: AbortSignal): Promise<void> {
  const wanted = linkedPairs(file);
  let lacking: readonly string[] = [];
  const look = async (): Promise<true | undefined> => {
    const { pairs } = await hubStatus(lab, layout, signal);
    const said = new Map(pairs.map((pair) => [`${pair.from}>${pair.to}`, pair]));
    lacking = [...wanted].flatMap((name) => {
      const pair = said.get(name);
      return pair?.state === "Up"
        ? []
        : [`  ${name.replace(">", " to ")}: ${pair ? `${pair.state}, ${pair.message}` : "the hub does not know it"}`];
    });
    return lacking.length === 0 ? true : undefined;
  };
  const agents = layout.sites.flatMap(({ cluster, nodes }) =>
    nodes.filter(({ gateway }) => gateway).map(({ name }) => `agent:${cluster}/${name}`),
  );
  const missing = (): string => `not every pair is up:\n${lacking.join("\n")}`;
  await withLogs(lab, agents, () =>
    waitUntil(look, missing, { clock: lab.clock, signal, limitMs: 180_000, everyMs: 100 }),
  );
}
