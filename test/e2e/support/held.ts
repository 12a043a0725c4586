import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";

/** What a node's kernel holds of ours, in so few looks that it can be asked many times a second. Elements of sets have no order. */
const SCRIPT = `
  ip -4 -o route show proto 174
  ip -6 -o route show proto 174
  ip nexthop show proto 174
  ip -br address show | grep '^trs' | tr -s ' '
  wg show all dump | cut -f 1,3-5
  bridge fdb show | grep ' dev tr[sn]vx'
  ip neigh show nud permanent
  nft -s list table inet trestle 2>&1 | sed 's/elements = //' | tr -d '{}' | tr ',' '\\n' | tr -d ' \\t'
  true`;

/** As sorted lines: equal to what it was before, nothing is missing and nothing too many. */
export async function heldBy({ run }: Place): Promise<readonly string[]> {
  return (await run("sh", ["-c", SCRIPT])).split("\n").toSorted();
}

/** What differs, one line each: `lacks …` was there before, `has …` is there now. */
export function heldDifferences(before: readonly string[], now: readonly string[]): string[] {
  return [
    ...before.filter((line) => !now.includes(line)).map((line) => `lacks ${line}`),
    ...now.filter((line) => !before.includes(line)).map((line) => `has ${line}`),
  ];
}

/**
 * Waits until `isWhole` says so.
 * @returns milliseconds until the last look began that found it otherwise: on a busy machine a look takes seconds, and
 * what is longer than this may be the look's
 */
export async function msUntilWhole(isWhole: () => Promise<unknown>, limitMs: number): Promise<number> {
  const sinceMs = performance.now();
  let damagedMs = sinceMs;
  await eventually(async () => {
    const lookedMs = performance.now();
    const seen = await isWhole();
    if (seen !== true) damagedMs = lookedMs;
    return seen;
  }, limitMs);
  return Math.round(damagedMs - sinceMs);
}
