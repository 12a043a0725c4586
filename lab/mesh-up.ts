import { familyOf } from "../mesh/cidr.ts";
import type { Family } from "../mesh/resources.ts";
import { linkedPairs } from "./file.ts";
import type { LabLink } from "./file.ts";
import { inParallel } from "./parallel.ts";
import { claimPod, makePod } from "./pods.ts";
import { stateOf } from "./state.ts";
import type { Lab } from "./state.ts";
import { namesOf, withLogs } from "./target.ts";
import type { Target } from "./target.ts";
import { askHub, hubStatus, podBlocks } from "./trestle.ts";
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

/** Makes the pods of the file, and again those that were added later and lost their namespace. */
export async function makePods({ lab, file }: Target, signal: AbortSignal): Promise<void> {
  await inParallel(
    signal,
    file.clusters.map((cluster) => async (either) => {
      const agents = cluster.nodes.map(({ name }) => `agent:${cluster.name}/${name}`);
      await withLogs(lab, agents, async () => {
        const nodes = cluster.pods.map(({ node }) => node);
        const blocks = await awaitBlocks(lab, cluster, nodes, either);
        for (const { name, node, annotations } of cluster.pods) {
          await claimPod(
            lab,
            { cluster: cluster.name, name, node, namespace: "default", annotations },
            blocks.get(node) ?? [],
          );
        }
        const recorded = stateOf(lab).pods.filter((pod) => pod.cluster === cluster.name);
        await inParallel(
          either,
          recorded.map((pod) => () => makePod(lab, pod)),
        );
      });
    }),
  );
}

/** Blocks by node, once each of `nodes` has claimed one of each family of the cluster's pods. */
export async function awaitBlocks(
  lab: Lab,
  { name: cluster, families }: { readonly name: string; readonly families: readonly Family[] },
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string[]>> {
  if (nodes.length === 0) return new Map();
  let lacking: readonly string[] = nodes;
  const look = async (): Promise<Map<string, string[]> | undefined> => {
    const blocks = await podBlocks(lab, stateOf(lab), cluster, signal);
    const has = (node: string, family: Family): boolean =>
      blocks.get(node)?.some((block) => familyOf(block) === family) ?? false;
    lacking = nodes.filter((node) => !families.every((family) => has(node, family)));
    return lacking.length === 0 ? blocks : undefined;
  };
  const kinds = families.map((family) => `IPv${family}`).join(" and ");
  const missing = (): string =>
    `nodes ${[...new Set(lacking)].join(", ")} of ${cluster} own no block of ${kinds} pod addresses`;
  return waitUntil(look, missing, { clock: lab.clock, signal, limitMs: 60_000, everyMs: 50 });
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
    waitUntil(look, missing, { clock: lab.clock, signal, limitMs: 60_000, everyMs: 100 }),
  );
}
