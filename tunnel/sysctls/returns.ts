import type { FormerValues } from "./memory.ts";
import { defaultOf, disturbedBy, disturberOf, madeOf } from "./side-effects.ts";

/** What a plan starts from. */
export interface SysctlState {
  readonly wanted: ReadonlyMap<string, string>;
  /** Present values; a key that is missing does not exist. */
  readonly have: ReadonlyMap<string, string>;
  readonly memory: FormerValues;
}

/**
 * What keys that are not wanted shall hold, in the order of writing: disturbers, then what they disturb, then the
 * others backwards, so that `accept_ra`, written before forwarding, goes back after it.
 */
export function returnGoals(state: SysctlState): Map<string, string> {
  const { wanted, have, memory } = state;
  const disturbed = [...have.keys()].filter((key) => memory[disturberOf(key) ?? ""] !== undefined);
  const released = [...new Set([...Object.keys(memory).toReversed(), ...disturbed])].filter((key) => !wanted.has(key));
  const rank = (key: string) => (disturbedBy(key).length > 0 ? 0 : disturberOf(key) === undefined ? 2 : 1);
  const goals = new Map<string, string>();
  for (const key of released.toSorted((a, b) => rank(a) - rank(b))) {
    const present = have.get(key);
    if (present !== undefined) goals.set(key, goalOf(key, present, state));
  }
  return goals;
}

/** What others wrote stays, whatever the way back of the key's disturber makes of it. */
function goalOf(key: string, present: string, { wanted, have, memory }: SysctlState): string {
  const disturber = disturberOf(key) ?? "";
  const above = memory[disturber];
  const now = have.get(disturber);
  if (above === undefined || now === undefined) {
    const own = memory[key];
    return own?.ours.includes(present) === true ? own.former : present;
  }
  // A device that came since has what the kernel's default gave it, and would have had the default's former value.
  const { former, ours } = memory[key] ?? memory[defaultOf(key)] ?? { former: present, ours: [] };
  const held = wanted.get(disturber);
  if (held !== undefined) return ours.includes(present) ? madeOf(key, disturber, held) : present;
  const isOthers = now !== above.former && !above.ours.includes(now);
  const isOurs = ours.includes(present) || madeOf(key, disturber, now) === present;
  return isOurs && !isOthers ? former : present;
}
