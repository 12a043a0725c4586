import type { Run } from "../../platform/run.ts";
import type { ObservedWireGuard } from "./dump.ts";
import { parseDump } from "./dump.ts";

/** A stopped wireguard-go never answers: it must not hold up the rest of a sync for long. */
const LIMIT_MS = 5000;

/**
 * What one interface holds. One call an interface, so that one that hangs does not hide the others.
 * @throws MeshError as {@link Run} does, when there is no such interface or nothing answers for it
 */
export async function observeWireGuard(run: Run, name: string): Promise<ObservedWireGuard> {
  return parseDump(name, await run("wg", ["show", name, "dump"], { limitMs: LIMIT_MS }));
}
