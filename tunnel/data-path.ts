import { messageOf } from "../platform/errors.ts";
import type { Outcome } from "./outcome.ts";
import { nothing } from "./outcome.ts";
import type { DataPathDeps, Part } from "./parts.ts";
import {
  syncAddresses,
  syncFirewall,
  syncForeign,
  syncLinks,
  syncNexthops,
  syncRoutes,
  syncSysctls,
  syncTunnels,
} from "./parts.ts";
import type { PartName, SyncReport } from "./report.ts";
import { ReportWriter } from "./report.ts";
import type { DataPath } from "./state.ts";
import { EMPTY_DATA_PATH } from "./state.ts";

/**
 * In order of making; deleting goes backwards.
 * - The firewall first: from its first moment a tunnel reaches announced prefixes only. Last to go, too.
 *   Others' firewalls right after it, for what it lets through they are to let through, too.
 * - Devices before their peers, before addresses, before the nexthops and routes that name them.
 * - Routes move before the nexthops they used are deleted, for the kernel deletes the routes of a deleted nexthop; and
 *   those before the peers that they led to, for until then flows are sent there.
 * - Sysctls last: forwarding is switched on when everything that bounds it is there, and some keys are of our devices.
 */
const PARTS = {
  firewall: syncFirewall,
  foreign: syncForeign,
  links: syncLinks,
  wireguard: syncTunnels,
  addresses: syncAddresses,
  nexthops: syncNexthops,
  routes: syncRoutes,
  sysctls: syncSysctls,
} as const satisfies Partial<Record<PartName, Part>>;

/** Without the firewall in place no tunnel is made and no peer let in; those that are there carry on. */
const BEHIND_FIREWALL: ReadonlySet<PartName> = new Set(["links", "wireguard"]);

/**
 * Makes the kernel hold `want` and nothing else with our mark; what is foreign is not touched. A step that fails is
 * reported and the others are carried on, so call it again. Not to be run twice at once on one node. Never throws.
 */
export async function syncDataPath(deps: DataPathDeps, want: DataPath): Promise<SyncReport> {
  const report = new ReportWriter();
  const removals: { readonly part: PartName; readonly remove: () => Promise<readonly Outcome[]> }[] = [];
  for (const part of Object.keys(PARTS) as (keyof typeof PARTS)[]) {
    if (BEHIND_FIREWALL.has(part) && report.failed.some((failure) => failure.part === "firewall")) {
      report.record(part, [{ step: "open tunnels", error: "not while the firewall is not in place" }]);
      continue;
    }
    try {
      const { outcomes, remove } = await PARTS[part](deps, want);
      report.record(part, outcomes);
      removals.push({ part, remove: remove ?? nothing });
    } catch (error) {
      report.record(part, [{ step: "observe", error: messageOf(error) }]);
    }
  }
  for (const { part, remove } of removals.toReversed()) {
    report.record(part, await remove());
  }
  return report;
}

/** Leaves: takes away everything with our mark, and puts former sysctls back where ours are still in place. */
export async function removeDataPath(deps: DataPathDeps): Promise<SyncReport> {
  return syncDataPath(deps, EMPTY_DATA_PATH);
}
