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

/** What the rounds come to. @param pods of a burst */
export function cniFigures(timed: readonly CNITimes[], pods: number): { readonly nodes: readonly PluginFigures[] } {
  const nodes = timed.map(({ families, trestle, reference }) => {
    const rate = (ms: readonly number[]): number => rounded((pods / median(ms)) * 1_000, 0);
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

function callFigures(own: PluginTimes["addMs"], reference: PluginTimes["addMs"]): CallFigures {
  return {
    p50: rounded(percentile(own, 50), 1),
    p99: rounded(percentile(own, 99), 1),
    referenceP50: rounded(percentile(reference, 50), 1),
    referenceP99: rounded(percentile(reference, 99), 1),
    quotient: rounded(median(ratios(own, reference)), 2),
  };
}
