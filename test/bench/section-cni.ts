import { BURST } from "./cni.ts";
import type { BurstFigures, CallFigures, PluginFigures } from "./figures-cni.ts";
import { verdict } from "./goal.ts";
import { drawTable } from "./markdown.ts";
import { drawPeers } from "./peers.ts";

/** Of what ptp with host-local takes, IPv4. */
const GOAL = { add: 1, del: 0.5 } as const;

/** Whole calls of the plugin beside ptp with host-local, and many pods at once, in words and tables, as Markdown. */
export function drawCNI({
  nodes,
  burst: many,
}: {
  readonly nodes: readonly PluginFigures[];
  readonly burst: BurstFigures;
}): string {
  const rounds = nodes[0]?.rounds.trestle.addMs.length ?? 0;
  const rows = nodes.flatMap(({ families, add, del }) => [
    row(`ADD, ${families}`, add, families === "IPv4" ? GOAL.add : undefined),
    row(`DEL, ${families}`, del, families === "IPv4" ? GOAL.del : undefined),
  ]);
  const bursts = nodes.map(({ families, burst }) => [
    families,
    burst.add,
    burst.referenceAdd,
    burst.del,
    burst.referenceDel,
  ]);
  return `## CNI

A pod's whole ADD and DEL, from the start of the plugin's process to its end: ours, with the agent and the store that belong to it, beside ptp with host-local (the CNI project's own, of the same pinned build), in turns on one machine, ${rounds} rounds after one that does not count. Both work on network namespaces of the same kind. What differs: ours writes its addresses down with an fsync and tells the cluster, and gives each pod a route of its own; with IPv6 ptp waits for duplicate address detection. Quotients are taken round by round.

${drawTable(["ms, p50 / p99", "Trestle", "ptp + host-local", "Trestle / reference", "goal"], rows)}
${BURST} pods on one machine, all at once, until the last is done; pods a second:

${drawTable(["families", "ADD: Trestle", "ADD: reference", "DEL: Trestle", "DEL: reference"], bursts)}
${drawBurst(many)}
${drawPeers()}`;
}

function drawBurst({ nodes, pods, add, del, rounds }: BurstFigures): string {
  const rows = rounds.map((round, at) => [at + 1, round.add, round.del]);
  return `${pods.toLocaleString("en")} pods (IPv4) over ${nodes} lab nodes of one cluster, all nodes and all pods at once, from one start signal to the last answer of the last node; pods a second of all nodes together. All ${nodes} nodes with their agents, the cluster's store and every plugin share the cores of this one machine: ${nodes} machines have ${nodes} times as many. Network namespaces and Pod objects are made beforehand. In the first round no agent has given an address yet. After each ADD all addresses were found to be different and to have an IPInstance, after each DEL no IPInstance was left.

${drawTable(["round", "ADD", "DEL"], [...rows, ["median", add, del]])}`;
}

function row(title: string, figures: CallFigures, goal: number | undefined): (string | number)[] {
  const { p50, p99, referenceP50, referenceP99, quotient } = figures;
  const met = goal === undefined ? "" : `≤ ${goal}: ${verdict(quotient, goal)}`;
  return [title, `${p50} / ${p99}`, `${referenceP50} / ${referenceP99}`, quotient.toFixed(2), met];
}
