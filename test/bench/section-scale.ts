import type { ScaleFigures, SizeFigures } from "./figures-scale.ts";
import { verdict } from "./goal.ts";
import { drawTable } from "./markdown.ts";

const GOAL = { clusters: 1_000, firstMs: 2_000, changeMs: 50 } as const;

/** What linked clusters cost a gateway, in words and tables, as Markdown. */
export function drawScale({ rounds, sizes }: ScaleFigures): string {
  const largest = sizes.at(-1);
  const perSize = sizes.map(({ clusters, routes, peers, first, again, changes: [all] }) => [
    clusters,
    routes,
    peers,
    `${ms(first.planner)} + ${ms(first.applied)}`,
    ms(again.applied),
    all?.plannerP50 ?? "",
    `${all?.p50} / ${all?.p99}`,
  ]);
  return `## Scale

One gateway that is linked with so many clusters, each with three gateways, a range of pods and mesh prefixes of both families: what the agent's planner and the syncs of tunnel/ take, on a node in a network namespace with nobody on its LAN (every new peer is sent a handshake that nobody answers). ${rounds} rounds, each on a fresh node. A change is one of: a prefix more or less, a gateway's address, a cluster gone or back, each followed by the next; ${sizes[0]?.changes[0]?.count ?? 0} of them for every number of clusters, and then a look at the whole kernel that must find nothing to do.

Milliseconds, medians; of the changes p50 / p99.

${drawTable(
  [
    "clusters",
    "routes",
    "peers",
    "first: plan + apply",
    "a look, nothing to do",
    "change: plan",
    "change: plan and apply",
  ],
  perSize,
)}
${largest === undefined ? "" : drawLargest(largest)}`;
}

function drawLargest({ clusters, first, again, changes }: SizeFigures): string {
  const parts = [...new Set([...Object.keys(first.parts), ...Object.keys(again.parts)])];
  const [all] = changes;
  const verdicts =
    clusters < GOAL.clusters
      ? ""
      : `The goals at ${GOAL.clusters} clusters: the first plan and apply within ${GOAL.firstMs} ms (${verdict(first.total, GOAL.firstMs)}: ${ms(first.total)}, at most ${ms(first.highestTotal)}), a change planned and applied within ${GOAL.changeMs} ms (${verdict(all?.p50 ?? NaN, GOAL.changeMs)}: p50 ${all?.p50}).

`;
  return `${verdicts}Where the time goes at ${clusters} clusters: for how long programs of each part ran (parts may overlap), and CPU of the agent's own code, of the programs it starts, and of wireguard-go.

${drawTable(
  ["ms", ...parts, "CPU: own", "programs", "wireguard-go"],
  [
    ["first", ...parts.map((part) => ms(first.parts[part] ?? 0)), ms(first.own), ms(first.programs), ms(first.tunnels)],
    ["look", ...parts.map((part) => ms(again.parts[part] ?? 0)), ms(again.own), ms(again.programs), ms(again.tunnels)],
  ],
)}
Changes at ${clusters} clusters, ms; CPU is the mean.

${drawTable(
  ["change", "plan p50", "p50 / p99", "CPU: own", "programs", "wireguard-go"],
  changes.map(({ change, plannerP50, p50, p99, own, programs, tunnels }) => [
    change,
    plannerP50,
    `${p50} / ${p99}`,
    own,
    programs,
    tunnels,
  ]),
)}`;
}

function ms(value: number): number {
  return Math.round(value);
}
