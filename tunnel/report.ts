import type { Outcome } from "./outcome.ts";

/** The parts of a data path, as reports name them. */
export type PartName = "firewall" | "foreign" | "links" | "wireguard" | "addresses" | "nexthops" | "routes" | "sysctls";

/** What a sync did. Nothing in either list: the kernel held it all already. */
export interface SyncReport {
  readonly done: readonly { readonly part: PartName; readonly step: string }[];
  readonly failed: readonly { readonly part: PartName; readonly step: string; readonly message: string }[];
}

/** A report while it is being written. */
export class ReportWriter implements SyncReport {
  readonly done: { readonly part: PartName; readonly step: string }[] = [];
  readonly failed: { readonly part: PartName; readonly step: string; readonly message: string }[] = [];

  record(part: PartName, outcomes: readonly Outcome[]): void {
    for (const { step, error } of outcomes) {
      if (error === undefined) this.done.push({ part, step });
      else this.failed.push({ part, step, message: error });
    }
  }
}
