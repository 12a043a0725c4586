import type { BurstRound, BurstTimes } from "./burst.ts";
import type { PluginTimes } from "./cni-program.ts";
import type { CNITimes, Families } from "./cni.ts";
import { median, percentile, ratios, rounded } from "./stats.ts";

/** Milliseconds, and our calls in those of the same round. */
export interface CallFigures {
  readonly p50: number;
  readonly p99: number;
  readonly referenceP50: number;
  readonly referenceP99: number;
  /** Median of the rounds' quotients. */
  readonly quotient: number;
}

export interface PluginFigures {
  readonly families: Families;
  readonly add: CallFigures;
  readonly del: CallFigures;
  /** Pods a second, all at once. */
  readonly burst: {
    readonly add: number;
    readonly del: number;
    readonly referenceAdd: number;
    readonly referenceDel: number;
  };
  readonly rounds: Pick<CNITimes, "trestle" | "reference">;
}

/** Many pods at once on many nodes. */
export interface BurstFigures extends Omit<BurstTimes, "rounds"> {
  /** Pods a second, of the median round. */
  readonly add: number;
  readonly del: number;
  readonly rounds: readonly (BurstRound & Pick<BurstFigures, "add" | "del">)[];
}

/** What the rounds come to. @param pods of a burst */
export function cniFigures(timed: readonly CNITimes[], pods: number): { readonly nodes: readonly PluginFigures[] } {
  const nodes = timed.map(({ families, trestle, reference }) => {
    const rate = (ms: readonly number[]): number => rateOf(pods, median(ms));
    return {
      families,
      add: callFigures(trestle.addMs, reference.addMs),
      del: callFigures(trestle.delMs, reference.delMs),
      burst: {
        add: rate(trestle.burstAddMs),
        del: rate(trestle.burstDelMs),
        referenceAdd: rate(reference.burstAddMs),
        referenceDel: rate(reference.burstDelMs),
      },
      rounds: { trestle, reference },
    };
  });
  return { nodes };
}

/** What bursts on many nodes come to. */
export function burstFigures({ nodes, pods, rounds }: BurstTimes): BurstFigures {
  return {
    nodes,
    pods,
    add: rateOf(pods, median(rounds.map(({ addMs }) => addMs))),
    del: rateOf(pods, median(rounds.map(({ delMs }) => delMs))),
    rounds: rounds.map(({ addMs, delMs }) => ({
      addMs,
      delMs,
      add: rateOf(pods, addMs),
      del: rateOf(pods, delMs),
    })),
  };
}

/** Pods a second. */
function rateOf(pods: number, ms: number): number {
  return rounded((pods / ms) * 1_000, 0);
}

function callFigures(own: PluginTimes["addMs"], reference: PluginTimes["addMs"]): CallFigures {
  return {
    p50: rounded(percentile(own, 50), 1),
    p99: rounded(percentile(own, 99), 1),
    referenceP50: rounded(percentile(reference, 50), 1),
    referenceP99: rounded(percentile(reference, 99), 1),
    quotient: rounded(median(ratios(own, reference)), 2),
  };
}
