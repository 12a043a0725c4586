import { mkdirSync, rmSync, existsSync, writeFileSync } from "node:fs";
import path from "node:path";
import { z } from "zod";
import { MeshError, messageOf } from "../platform/errors.ts";
import { agentDaemon, awaitDaemon, hubDaemon, logFile, startDaemon, storeDaemon } from "./daemons.ts";
import { linkedPairs } from "./file.ts";
import type { LabFile, LabLink } from "./file.ts";
import type { Layout, Site } from "./layout.ts";
import { inParallel } from "./parallel.ts";
import { claimPod, makePod } from "./pods.ts";
import { stateOf, updateState } from "./state.ts";
import type { Lab } from "./state.ts";
import { askCluster, askHub, hubStatus, podBlocks } from "./trestle.ts";
import { logTail, waitUntil } from "./wait.ts";

/** The mesh of a lab, by the commands anybody would type. Each step finds done what is done already. */

/** What every step needs. */
export interface Target {
  readonly lab: Lab;
  readonly layout: Layout;
  readonly file: LabFile;
}

export async function startHub({ lab, layout, file }: Target, signal: AbortSignal): Promise<void> {
  const hub = hubDaemon(lab, layout);
  await startDaemon(lab, hub);
  await awaitDaemon(lab, hub, signal);
  await withLogs(lab, ["hub"], async () => {
    const present = await namesOf(lab, layout, "pools", signal);
    for (const { name, cidr, clusterPrefixLength } of file.pools.filter((pool) => !present.includes(pool.name))) {
      const words = ["pool", "create", name, "--cidr", cidr, "--cluster-prefix-length", String(clusterPrefixLength)];
      await askHub(lab, layout, words, signal);
    }
  });
}

/** Starts a cluster's own store, joins it with a token of its own, and starts the agent of each of its nodes. */
export async function startCluster({ lab, layout, file }: Target, site: Site, signal: AbortSignal): Promise<void> {
  const store = storeDaemon(lab, site);
  await startDaemon(lab, store);
  await awaitDaemon(lab, store, signal);
  if (!stateOf(lab).joined.includes(site.cluster)) {
    await withLogs(lab, ["hub", store.key], () => join({ lab, layout, file }, site, signal));
  }
  await inParallel(
    signal,
    site.nodes.map((node) => async (either) => {
      const agent = agentDaemon(lab, node);
      await startDaemon(lab, agent);
      await awaitDaemon(lab, agent, either);
    }),
  );
}

/**
 * A token is kept until it was redeemed, so that a join that was cut off is tried again with the same one. Clusters join
 * in the order of the file: so each gets the same range every time, and what was written down of a lab stays true.
 */
async function join({ lab, layout, file }: Target, site: Site, signal: AbortSignal): Promise<void> {
  const tokenFile = path.join(lab.dir, "clusters", site.cluster, "join.token");
  if (!existsSync(tokenFile)) {
    const token = await askHub(lab, layout, ["token", "create", site.cluster], signal);
    mkdirSync(path.dirname(tokenFile), { recursive: true, mode: 0o700 });
    writeFileSync(tokenFile, token, { mode: 0o600 });
  }
  const labels = file.clusters.find(({ name }) => name === site.cluster)?.labels ?? {};
  const options = Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]);
  await awaitJoined(lab, layout.sites.slice(0, layout.sites.indexOf(site)), signal);
  await askCluster(lab, stateOf(lab), site, ["join", tokenFile, ...options], signal);
  await updateState(lab, (state) => ({ ...state, joined: [...state.joined, site.cluster] }));
  rmSync(tokenFile);
}

async function awaitJoined(lab: Lab, sites: readonly Site[], signal: AbortSignal): Promise<void> {
  const lacking = (): Site[] => sites.filter(({ cluster }) => !stateOf(lab).joined.includes(cluster));
  await waitUntil(
    () => (lacking().length === 0 ? true : undefined),
    () =>
      `${lacking()
        .map((site) => site.cluster)
        .join(", ")} did not join`,
    { clock: lab.clock, signal, limitMs: 180_000 },
  );
}

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
        const blocks = await awaitBlocks(
          lab,
          cluster.name,
          cluster.pods.map(({ node }) => node),
          either,
        );
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

/** Blocks by node, once each of `nodes` has claimed one. */
export async function awaitBlocks(
  lab: Lab,
  cluster: string,
  nodes: readonly string[],
  signal: AbortSignal,
): Promise<Map<string, string[]>> {
  if (nodes.length === 0) return new Map();
  let lacking: readonly string[] = nodes;
  const look = async (): Promise<Map<string, string[]> | undefined> => {
    const blocks = await podBlocks(lab, stateOf(lab), cluster, signal);
    lacking = nodes.filter((node) => !blocks.has(node));
    return lacking.length === 0 ? blocks : undefined;
  };
  const missing = (): string => `nodes ${[...new Set(lacking)].join(", ")} of ${cluster} own no block of pod addresses`;
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

/** Notes each cluster's pod CIDRs as the hub gives them. */
export async function notePodCIDRs(
  { lab, layout }: Pick<Target, "lab" | "layout">,
  signal: AbortSignal,
): Promise<void> {
  const { clusters } = await hubStatus(lab, layout, signal);
  const podCIDRs = Object.fromEntries(clusters.map((cluster) => [cluster.name, cluster.podCIDRs]));
  await updateState(lab, (state) => ({ ...state, podCIDRs }));
}

const named = z.array(z.object({ metadata: z.object({ name: z.string() }) }));

async function namesOf(lab: Lab, layout: Layout, kind: string, signal: AbortSignal): Promise<string[]> {
  return named
    .parse(JSON.parse(await askHub(lab, layout, ["get", kind, "--output", "json"], signal)))
    .map(({ metadata }) => metadata.name);
}

/** Adds to a failure what those who took part said last. */
async function withLogs<T>(lab: Lab, keys: readonly string[], action: () => Promise<T>): Promise<T> {
  try {
    return await action();
  } catch (error) {
    if (!(error instanceof MeshError) || error.code === "aborted") throw error;
    const tails = keys.map((key) => logTail(logFile(lab, key), 6)).join("\n");
    throw new MeshError(error.code, `${messageOf(error)}\n${tails}`, { retry: error.retry, cause: error });
  }
}
