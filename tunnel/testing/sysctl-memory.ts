import type { FormerValues, SysctlMemory } from "../sysctls/memory.ts";

/** A memory that outlives what a test takes for a process, and counts how often it was written. */
export interface KeptSysctls extends SysctlMemory {
  readonly now: () => FormerValues;
  readonly saves: () => number;
}

export function keptSysctls(start: FormerValues = {}): KeptSysctls {
  let values = start;
  let saves = 0;
  return {
    load: () => Promise.resolve(values),
    save: (next) => {
      values = next;
      saves += 1;
      return Promise.resolve();
    },
    now: () => values,
    saves: () => saves,
  };
}
