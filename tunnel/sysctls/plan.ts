import type { Sysctl } from "../state.ts";
import type { FormerValue, FormerValues } from "./memory.ts";
import { returnGoals } from "./returns.ts";
import { disturbedBy, disturberOf, madeOf } from "./side-effects.ts";

export interface SysctlPlan {
  /** To be saved before anything is written, so that no crash forgets a former value, nor one that a write disturbs. */
  readonly remember: FormerValues;
  /** Former values of what is not wanted any more; a key that disturbs others before those. */
  readonly returns: readonly Sysctl[];
  /** After them, what is wanted, in its order. */
  readonly writes: readonly Sysctl[];
  /** To be saved afterwards: without the keys that are not ours any more. */
  readonly keep: FormerValues;
}

/**
 * Patterns of keys that a plan from these has to know besides those wanted and remembered: what it may disturb.
 * @param have present values of the wanted and remembered keys
 */
export function mayDisturb(want: readonly Sysctl[], have: ReadonlyMap<string, string>, memory: FormerValues): string[] {
  const wanted = new Map(want.map(({ key, value }) => [key, value]));
  const written = [...wanted.keys(), ...Object.keys(memory)].filter((key) => have.get(key) !== wanted.get(key));
  return [...new Set(written.flatMap(disturbedBy))];
}

/** @param have present values by key; a key that is missing does not exist (its device is gone) */
export function planSysctls(
  want: readonly Sysctl[],
  have: ReadonlyMap<string, string>,
  memory: FormerValues,
): SysctlPlan {
  const wanted = new Map(want.map(({ key, value }) => [key, value]));
  const goals = returnGoals({ wanted, have, memory });
  const remembered = new Map(Object.entries(memory));
  const isKept = (key: string) => wanted.has(key) || isDisturbedByHeld(key, wanted, remembered);
  const kernel = new Map(have);
  const change = (key: string, value: string) => {
    const present = have.get(key);
    if (present !== undefined) {
      const { former, ours } = remembered.get(key) ?? { former: present, ours: [] };
      const goal = isKept(key) ? former : (goals.get(key) ?? former);
      remembered.set(key, { former: goal, ours: [...new Set([...ours, value])] });
    }
    kernel.set(key, value);
  };
  /** Those that differ when their turn comes; with each of them goes what it disturbs. */
  const due = (sysctls: Iterable<readonly [string, string]>): Sysctl[] =>
    [...sysctls].flatMap(([key, value]) => {
      if (kernel.get(key) === value) return [];
      const others = disturbedBy(key).length === 0 ? [] : [...kernel.keys()];
      for (const other of others.filter((each) => disturberOf(each) === key)) change(other, madeOf(other, key, value));
      change(key, value);
      return [{ key, value }];
    });
  const returns = due(goals);
  const writes = [...due(wanted), ...due(wanted)]; // twice: a later one may disturb an earlier one
  const settled = [...remembered]
    .filter(([key]) => isKept(key))
    .map(([key, held]) => [key, settle(held, kernel.get(key))] as const);
  return {
    remember: Object.fromEntries(remembered),
    returns,
    writes,
    keep: Object.fromEntries(settled),
  };
}

function isDisturbedByHeld(
  key: string,
  wanted: ReadonlyMap<string, string>,
  memory: ReadonlyMap<string, FormerValue>,
): boolean {
  const disturber = disturberOf(key);
  return disturber !== undefined && wanted.has(disturber) && memory.has(disturber);
}

/** Once a change is through, only what it left there is ours. */
function settle({ former, ours }: FormerValue, value: string | undefined): FormerValue {
  return { former, ours: value !== undefined && ours.includes(value) ? [value] : ours };
}
