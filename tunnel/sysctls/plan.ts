import type { Sysctl } from "../state.ts";

/** What a key held before us, and what we wrote: it goes back only while our value is still there. */
export interface FormerValue {
  readonly former: string;
  readonly ours: string;
}

/** Former values by key, kept in the caller's state folder. Losing it loses only the way back. */
export interface SysctlMemory {
  load(): Promise<Readonly<Record<string, FormerValue>>>;
  save(values: Readonly<Record<string, FormerValue>>): Promise<void>;
}

export interface SysctlPlan {
  /** To be saved before anything is written, so that no crash forgets a former value. */
  readonly remember: Readonly<Record<string, FormerValue>>;
  readonly writes: readonly Sysctl[];
  /** To be saved afterwards: without the keys that are not ours any more. */
  readonly keep: Readonly<Record<string, FormerValue>>;
}

/** @param have present values by key; a key that is missing does not exist (its device is gone) */
export function planSysctls(
  want: readonly Sysctl[],
  have: ReadonlyMap<string, string>,
  memory: Readonly<Record<string, FormerValue>>,
): SysctlPlan {
  const wanted = new Map(want.map(({ key, value }) => [key, value]));
  const remembered = new Map(Object.entries(memory));
  const changes = [...wanted].filter(([key, value]) => have.get(key) !== value);
  for (const [key, value] of changes) {
    const present = have.get(key);
    if (present !== undefined) {
      remembered.set(key, { former: remembered.get(key)?.former ?? present, ours: value });
    }
  }
  const released = [...remembered].filter(([key]) => !wanted.has(key));
  const returns = released.filter(([key, { ours }]) => have.get(key) === ours);
  return {
    remember: Object.fromEntries(remembered),
    writes: [
      ...changes.map(([key, value]) => ({ key, value })),
      ...returns.map(([key, { former }]) => ({ key, value: former })),
    ],
    keep: Object.fromEntries([...remembered].filter(([key]) => wanted.has(key))),
  };
}

/** File of a key under /proc/sys. The device in `net.ipv4.conf.<device>.rp_filter` may hold dots of its own. */
export function sysctlPath(key: string): string {
  const perDevice = /^(net)\.(ipv4|ipv6)\.(conf|neigh)\.(.+)\.([^.]+)$/.exec(key);
  return `/proc/sys/${(perDevice?.slice(1) ?? key.split(".")).join("/")}`;
}
