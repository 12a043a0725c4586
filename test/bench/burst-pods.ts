import { changePods } from "../../lab/change-pods.ts";
import { podNetns } from "../../lab/layout.ts";
import type { Site } from "../../lab/layout.ts";
import { listNetns, netnsPath } from "../../lab/netns.ts";
import { eachSettled } from "../../lab/parallel.ts";
import { ownerMark } from "../../lab/topology.ts";
import { runner } from "../../platform/run.ts";
import type { Bench } from "./bench.ts";
import { pluginArgs } from "./plugin-call.ts";
import type { PluginPod } from "./plugin-call.ts";

const AT_ONCE = 32;
/** Of all namespaces together. */
const LIMIT_MS = 300_000;

const host = runner();

/** Pods of a lab that a benchmark starts by itself: the lab keeps no record of them. */
export interface BurstPods extends AsyncDisposable {
  /** By the nodes' order. */
  readonly byNode: readonly (readonly PluginPod[])[];
}

/**
 * Makes pods known to a cluster, spread evenly over its nodes, and gives each a namespace without a network. Disposing
 * takes the namespaces away; what the cluster knows goes with the lab.
 */
export async function makeBurstPods({ lab, signal }: Bench, site: Site, count: number): Promise<BurstPods> {
  const { cluster, nodes } = site;
  const names = Array.from({ length: count }, (_, at) => `p${at}`);
  const netnsOf = (name: string): string => podNetns(lab.name, cluster, name);
  await using made = new AsyncDisposableStack();
  made.defer(() => removeNamespaces(names.map(netnsOf)));
  const batch = names.map((name) => `netns add ${netnsOf(name)}`).join("\n");
  await host("ip", ["-batch", "-"], { stdin: batch, signal, limitMs: LIMIT_MS });
  // Whoever takes the lab down finds them, should this process be killed.
  const marked = await eachSettled(names, AT_ONCE, (name) =>
    host("ip", ["-n", netnsOf(name), "link", "set", "lo", "alias", ownerMark(lab.name)], { signal }),
  );
  for (const result of marked) if (result.status === "rejected") throw result.reason;
  const wishes = names.map((name, at) => {
    return { namespace: "default", name, node: nodes[at % nodes.length]?.name ?? "", annotations: {} };
  });
  const uids = await changePods(lab, cluster, { put: wishes }, signal);
  const pods = names.map((name, at) => ({ netns: netnsPath(netnsOf(name)), args: pluginArgs(name, uids[at] ?? "") }));
  const ends = made.move();
  return {
    byNode: nodes.map((_, node) => pods.filter((__, at) => at % nodes.length === node)),
    [Symbol.asyncDispose]: () => ends.disposeAsync(),
  };
}

async function removeNamespaces(wanted: readonly string[]): Promise<void> {
  const present = new Set(listNetns());
  const lines = wanted.filter((netns) => present.has(netns)).map((netns) => `netns delete ${netns}`);
  await host("ip", ["-force", "-batch", "-"], { stdin: lines.join("\n"), limitMs: LIMIT_MS });
}
