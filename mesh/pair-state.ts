import type { PairCounts, PairState, PairStatus } from "./resources.ts";

/** From best to worst. */
const ORDER: readonly PairState[] = ["Up", "Degraded", "Pending", "Doubtful", "Unreachable"];

/** Sorts the worst first. */
export function compareByBadness(a: PairStatus, b: PairStatus): number {
  return ORDER.indexOf(b.state) - ORDER.indexOf(a.state) || compareText(a.from, b.from) || compareText(a.to, b.to);
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
  return { ...worst, state: "Degraded", message: `not by every gateway: ${worst.message || worst.reason}` };
}

/** Counts pairs by state as they come, and keeps the worst of those that are not Up: `most` of them, however many come. */
export class PairSurvey {
  readonly #most: number;
  readonly #counts = { Up: 0, Degraded: 0, Doubtful: 0, Unreachable: 0, Pending: 0 };
  readonly #worst: PairStatus[] = [];

  constructor(most: number) {
    this.#most = most;
  }

  add(pair: PairStatus): void {
    this.#counts[pair.state] += 1;
    const least = this.#worst[this.#most - 1];
    if (pair.state === "Up" || (least !== undefined && compareByBadness(pair, least) >= 0)) return;
    this.#worst.push(pair);
    this.#worst.sort(compareByBadness);
    this.#worst.splice(this.#most);
  }

  get counts(): PairCounts {
    return { ...this.#counts };
  }

  /** The worst first. */
  get worst(): readonly PairStatus[] {
    return [...this.#worst];
  }
}

function compareText(x: string, y: string): number {
  return x < y ? -1 : x > y ? 1 : 0;
}
