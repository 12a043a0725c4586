import { existsSync, mkdirSync, rmSync, writeFileSync } from "node:fs";
import path from "node:path";
import { agentDaemon, awaitDaemon, hubDaemon, startDaemon, storeDaemon } from "./daemons.ts";
import type { Site } from "./layout.ts";
import { inParallel } from "./parallel.ts";
import { stateOf, updateState } from "./state.ts";
import type { Lab } from "./state.ts";
import { namesOf, withLogs } from "./target.ts";
import type { Target } from "./target.ts";
import { askCluster, askHub, hubStatus } from "./trestle.ts";
import { waitUntil } from "./wait.ts";

/** A lab's hub, and the clusters that join it, by the commands anybody would type. Each step finds done what is done already. */

/** Starts the hub, and makes the pools of the file. */
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
  const { labels = {}, allowedCIDRs = [] } = file.clusters.find(({ name }) => name === site.cluster) ?? {};
  const options = [
    ...allowedCIDRs.flatMap((cidr) => ["--allowed-cidr", cidr]),
    ...site.families.flatMap((family) => ["--family", String(family)]),
    ...Object.entries(labels).flatMap(([key, value]) => ["--label", `${key}=${value}`]),
  ];
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

/** Notes each cluster's pod CIDRs as the hub gives them. */
export async function notePodCIDRs(
  { lab, layout }: Pick<Target, "lab" | "layout">,
  signal: AbortSignal,
): Promise<void> {
  const { clusters } = await hubStatus(lab, layout, signal);
  const podCIDRs = Object.fromEntries(clusters.map((cluster) => [cluster.name, cluster.podCIDRs]));
  await updateState(lab, (state) => ({ ...state, podCIDRs }));
}
