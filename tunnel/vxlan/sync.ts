import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import type { VxlanDevice } from "../state.ts";
import { applyEntries } from "./apply.ts";
import { observeTables } from "./observe.ts";
import { planEntries, wantedTables } from "./plan.ts";

/**
 * Writes down who is behind each VXLAN device, and returns what takes away who is not any more. The devices are there
 * already; entries of one that is not wanted go with it.
 * @throws MeshError when the entries can't be observed
 */
export async function syncPeers(
  run: Run,
  devices: readonly VxlanDevice[],
): Promise<{ readonly outcomes: readonly Outcome[]; readonly remove: () => Promise<readonly Outcome[]> }> {
  if (devices.length === 0) {
    return { outcomes: [], remove: () => Promise.resolve([]) };
  }
  const names = new Set(devices.map(({ name }) => name));
  const want = wantedTables(devices);
  const have = await observeTables(run, names);
  const fdb = planEntries(want.fdb, have.fdb);
  const neighbours = planEntries(want.neighbours, have.neighbours);
  return {
    outcomes: await applyEntries(run, { fdb: fdb.put, neighbours: neighbours.put }),
    remove: () => applyEntries(run, { fdb: fdb.remove, neighbours: neighbours.remove }),
  };
}
