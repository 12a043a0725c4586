import type { AllocationFigures } from "./figures-ipam.ts";
import { verdict } from "./goal.ts";
import { PODS } from "./ipam.ts";
import { SUBNETS } from "./ipam-world.ts";
import { drawTable } from "./markdown.ts";

const GOAL = { p50: 2, flat: 1.5 } as const;

/** What an address costs, in words and a table, as Markdown. */
export function drawIPAM({ allocations }: { readonly allocations: readonly AllocationFigures[] }): string {
  const rounds = allocations[0]?.rounds.length ?? 0;
  const overlay = allocations.filter(({ type }) => type === "Overlay");
  const growth = (overlay.at(-1)?.p50 ?? NaN) / (overlay[0]?.p50 ?? NaN);
  return `## IPAM

One agent's allocator, in the benchmark's process, with a store (nats-server) and a disk of its own, while pods of other machines use ever more addresses, spread evenly over ${SUBNETS} Subnets of IPv4: ${SUBNETS - 1} of the overlay, one of the LAN. An overlay address comes out of this node's own blocks: it is on disk (fsync) when it is answered, and the store hears of it afterwards. One of the LAN is claimed in the store first. The kernel is left out: every pod is taken to have its wire, and nobody on the LAN answers a probe. ${rounds} rounds after one that does not count, each of ${PODS} pods one after the other, and ${PODS} at once. The goal for the overlay is a p50 of ${GOAL.p50} ms, and with most addresses no more than ${GOAL.flat} times that with fewest.

${drawTable(
  ["addresses in use", "Network", "p50, ms", "p99, ms", "at once, a second"],
  allocations.map(({ used, type, p50, p99, rate }) => [used.toLocaleString("en"), type, p50, p99, rate]),
)}
Overlay p50: ${verdict(Math.max(...overlay.map(({ p50 }) => p50)), GOAL.p50)}. Flat: ${verdict(growth, GOAL.flat)} (${growth.toFixed(2)}).
`;
}
