import { messageOf } from "../platform/errors.ts";
import { withoutDevices } from "./links/absent.ts";
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

/**
 * Makes the kernel hold `want` and nothing else with our mark; what is foreign is not touched. A step that fails is
 * reported and the others are carried on, so call it again. Without the firewall in place no tunnel is made, no peer let
 * in and no forwarding switched on; those that are there carry on, and what is not wanted goes. Nothing is put on a device
 * that could not be made. Not to be run twice at once on one node. Never throws.
 */
export async function syncDataPath(deps: DataPathDeps, want: DataPath): Promise<SyncReport> {
  const report = new ReportWriter();
  const removals: { readonly part: PartName; readonly remove: () => Promise<readonly Outcome[]> }[] = [];
  let possible = want;
  for (const part of Object.keys(PARTS) as (keyof typeof PARTS)[]) {
    const opens = !report.failed.some((failure) => failure.part === "firewall");
    try {
      const { outcomes, remove = nothing, absent = NO_DEVICES } = await PARTS[part](deps, possible, opens);
      report.record(part, outcomes);
      removals.push({ part, remove });
      possible = withoutDevices(possible, absent);
    } catch (error) {
      report.record(part, [{ step: "observe", error: messageOf(error) }]);
    }
  }
  for (const { part, remove } of removals.toReversed()) {
    report.record(part, await remove());
  }
  return report;
}

const NO_DEVICES: ReadonlySet<string> = new Set();

/** Leaves: takes away everything with our mark, and puts former sysctls back where ours are still in place. */
export async function removeDataPath(deps: DataPathDeps): Promise<SyncReport> {
  return syncDataPath(deps, EMPTY_DATA_PATH);
}
