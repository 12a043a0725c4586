import type { AllocationRound } from "./ipam.ts";
import { median, percentile, rounded } from "./stats.ts";

/** While so many addresses are in use elsewhere. Milliseconds. */
export interface AllocationFigures {
  readonly used: number;
  readonly type: AllocationRound["type"];
  readonly p50: number;
  readonly p99: number;
  /** Allocations a second, of pods that ask at once. */
  readonly rate: number;
  readonly rounds: readonly AllocationRound[];
}

/** What the rounds come to, in the order they were measured in. */
export function ipamFigures(rounds: readonly AllocationRound[]): {
  readonly allocations: readonly AllocationFigures[];
} {
  const groups = Map.groupBy(rounds, ({ used, type }) => `${type} ${used}`);
  const allocations = [...groups.values()].flatMap((group) => {
    const [first] = group;
    if (first === undefined) return [];
    const { used, type } = first;
    const each = group.flatMap(({ eachMs }) => eachMs);
    const rates = group.map(({ eachMs, burstMs }) => (eachMs.length / burstMs) * 1_000);
    return [
      {
        used,
        type,
        p50: rounded(percentile(each, 50), 2),
        p99: rounded(percentile(each, 99), 2),
        rate: rounded(median(rates), 0),
        rounds: group,
      },
    ];
  });
  return { allocations };
}
