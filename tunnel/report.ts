import type { Outcome } from "./outcome.ts";

/** The parts of a data path, as reports name them. */
export type PartName = "firewall" | "foreign" | "links" | "wireguard" | "addresses" | "nexthops" | "routes" | "sysctls";

/** What a sync did. Nothing in any list: the kernel held it all already. */
export interface SyncReport {
  readonly done: readonly { readonly part: PartName; readonly step: string }[];
  /** What is ours to try again. */
  readonly failed: readonly Fault[];
  /**
   * What is others' to move: a device, a route or a chain of another program is in the way, or a program is missing.
   * Everything else was tried as if it were not wanted, so a sync that failed in nothing is as whole as it can be; what
   * is in the way is said again by each sync until it is gone.
   */
  readonly obstacles: readonly Fault[];
}

/** A step that was not carried out. */
export interface Fault {
  readonly part: PartName;
  readonly step: string;
  readonly message: string;
}

/**
 * Whether the kernel holds all that was wanted of ours, so that {@link amendDataPath} may start from it. A chain of
 * others that can't be opened is no part of that.
 */
export function isWhole({ failed, obstacles }: SyncReport): boolean {
  return failed.length === 0 && obstacles.every(({ part }) => part === "foreign");
}

/** A report while it is being written. */
export class ReportWriter implements SyncReport {
  readonly done: { readonly part: PartName; readonly step: string }[] = [];
  readonly failed: Fault[] = [];
  readonly obstacles: Fault[] = [];

  record(part: PartName, outcomes: readonly Outcome[]): void {
    for (const { step, error, obstacle = false } of outcomes) {
      if (error === undefined) this.done.push({ part, step });
      else (obstacle ? this.obstacles : this.failed).push({ part, step, message: error });
    }
  }
}
