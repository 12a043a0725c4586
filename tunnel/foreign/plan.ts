import { FILTER_PRIORITY } from "../firewall/rules.ts";
import type { ForeignChain, ForeignRule } from "./chain.ts";

export type ForeignStep =
  /** Our rule before the rule `before`, or last; `replaces` are those of ours that are in the wrong place. */
  | {
      readonly op: "open";
      readonly chain: ForeignChain;
      readonly before?: number;
      readonly replaces: readonly number[];
    }
  | { readonly op: "close"; readonly chain: ForeignChain; readonly replaces: readonly number[] }
  /** It would need our rule, but sees packets before our own chains mark them. */
  | { readonly op: "refuse"; readonly chain: ForeignChain };

/**
 * Steps after which our rule is in every chain that drops by default and in no other; in none unless `wanted`. One that
 * was made by hand does as well.
 */
export function planForeign(chains: readonly ForeignChain[], wanted: boolean): ForeignStep[] {
  return chains.flatMap((chain): ForeignStep[] => {
    const ours = chain.rules.filter(({ kind }) => kind === "ours");
    const replaces = ours.map(({ ref }) => ref);
    const foreign = chain.rules.filter(({ kind }) => kind !== "ours");
    const place = wanted ? placeIn(chain, foreign) : undefined;
    if (place !== undefined && chain.priority <= FILTER_PRIORITY) {
      return [{ op: "refuse", chain }];
    }
    if (place === undefined || isAdmitted(foreign, place)) {
      return ours.length === 0 ? [] : [{ op: "close", chain, replaces }];
    }
    if (ours.length === 1 && chain.rules[place]?.kind === "ours") {
      return [];
    }
    const next = foreign[place];
    return [{ op: "open", chain, ...(next !== undefined && { before: next.ref }), replaces }];
  });
}

/** Index among the foreign rules where a drop of everything begins; undefined where there is none. */
function placeIn({ policy }: ForeignChain, foreign: readonly ForeignRule[]): number | undefined {
  const last = foreign.findIndex(({ kind }) => kind === "drops" || kind === "accepts");
  if (last < 0 ? policy === "accept" : foreign[last]?.kind === "accepts") {
    return undefined;
  }
  let place = last < 0 ? foreign.length : last;
  while (["denies", "admits"].includes(foreign[place - 1]?.kind ?? "")) {
    place -= 1;
  }
  return place;
}

/** Whether what has our mark is let through by hand, no later than a rule of ours at `place` would. */
function isAdmitted(foreign: readonly ForeignRule[], place: number): boolean {
  return foreign.slice(0, place + 1).some(({ kind }) => kind === "admits");
}
