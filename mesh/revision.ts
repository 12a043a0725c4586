import type { Revision } from "./resources.ts";

/**
 * Negative when `a` is older than `b`, zero when they are the same: first the hub's term decides, then the count of
 * changes.
 */
export function compareRevisions(a: Revision, b: Revision): number {
  return a.epoch - b.epoch || a.generation - b.generation;
}

/** `epoch.generation`, as tables and logs show it. */
export function formatRevision({ epoch, generation }: Revision): string {
  return `${epoch}.${generation}`;
}
