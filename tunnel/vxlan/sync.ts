import { messageOf } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { heldBack, nothing } from "../outcome.ts";
import type { VxlanDevice } from "../state.ts";
import { applyEntries } from "./apply.ts";
import { observeTables } from "./observe.ts";
import { planEntries, wantedTables } from "./plan.ts";

export interface SyncedPeers {
  readonly outcomes: readonly Outcome[];
  /** Takes away whoever is not behind a device any more. */
  readonly remove: () => Promise<readonly Outcome[]>;
}

/**
 * Writes down who is behind each VXLAN device. The devices are there already, and ours; entries of one that is not
 * wanted any more go with it. Two processes where nothing differs, none without devices. Never throws.
 * @param opens whether anybody may be let in; if not, that alone is held back
 */
export async function syncPeers(run: Run, devices: readonly VxlanDevice[], opens: boolean): Promise<SyncedPeers> {
  if (devices.length === 0) {
    return { outcomes: [], remove: nothing };
  }
  try {
    const want = wantedTables(devices);
    const have = await observeTables(run, new Set(devices.map(({ name }) => name)));
    const fdb = planEntries(want.fdb, have.fdb);
    const neighbours = planEntries(want.neighbours, have.neighbours);
    return {
      outcomes: opens
        ? await applyEntries(run, { fdb: fdb.put, neighbours: neighbours.put })
        : [...fdb.put, ...neighbours.put].slice(0, 1).map(() => heldBack("write down VXLAN peers")),
      remove: () => applyEntries(run, { fdb: fdb.remove, neighbours: neighbours.remove }),
    };
  } catch (error) {
    return { outcomes: [{ step: "observe VXLAN peers", error: messageOf(error) }], remove: nothing };
  }
}
