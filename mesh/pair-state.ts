import type { PairCounts, PairState, PairStatus } from "./resources.ts";

/** From best to worst. */
const ORDER: readonly PairState[] = ["Up", "Degraded", "Pending", "Doubtful", "Unreachable"];

/** Sorts the worst first. */
export function compareByBadness(a: PairStatus, b: PairStatus): number {
  return ORDER.indexOf(b.state) - ORDER.indexOf(a.state) || a.from.localeCompare(b.from) || a.to.localeCompare(b.to);
}

/**
 * What several gateways of one cluster say of the same pair, as one: `Up` when all are, `Degraded` when traffic passes
 * by some, else the best of the rest.
 */
export function combinePairs(statuses: readonly [PairStatus, ...PairStatus[]]): PairStatus {
  const sorted = statuses.toSorted((a, b) => compareByBadness(b, a));
  const best = sorted[0] ?? statuses[0];
  const worst = sorted.at(-1) ?? best;
  if (best.state !== "Up" || worst.state === "Up") return best;
  return { ...worst, state: "Degraded", message: `not by every gateway: ${worst.message}` };
}

/** How many pairs are in each state. */
export function countPairs(pairs: readonly PairStatus[]): PairCounts {
  const count = (state: PairState): number => pairs.filter((pair) => pair.state === state).length;
  return {
    Up: count("Up"),
    Degraded: count("Degraded"),
    Doubtful: count("Doubtful"),
    Unreachable: count("Unreachable"),
    Pending: count("Pending"),
  };
}
