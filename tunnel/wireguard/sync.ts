import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import type { WireGuardInterface } from "../state.ts";
import { applyWireGuard } from "./apply.ts";
import { observeWireGuard } from "./observe.ts";
import { planWireGuard } from "./plan.ts";

/** Per device, by public key: the endpoint its peers were last told to be at. Starts empty; lives as long as the agent. */
export type EndpointMemory = Map<string, ReadonlyMap<string, string>>;

export interface SyncedWireGuard {
  readonly outcomes: readonly Outcome[];
  /** Takes away peers and allowed IPs that are not wanted any more. */
  readonly remove: () => Promise<readonly Outcome[]>;
}

/**
 * Makes one interface hold its key, port, mark and peers.
 * @param now seconds since the Unix epoch
 * @throws MeshError when the device is not there or nothing answers for it
 */
export async function syncWireGuard(
  run: Run,
  want: WireGuardInterface,
  memory: EndpointMemory,
  now: number,
): Promise<SyncedWireGuard> {
  const have = await observeWireGuard(run, want.name);
  const lastWanted = memory.get(want.name) ?? new Map<string, string>();
  const { put, remove } = planWireGuard(want, have, { now, lastWanted });
  const outcomes = await applyWireGuard(run, want.name, put);
  rememberEndpoints(memory, want, outcomes);
  return { outcomes, remove: () => applyWireGuard(run, want.name, remove) };
}

/** Keeps what the peers of an interface were told. A refused change stays due: what was not applied was not told. */
export function rememberEndpoints(
  memory: EndpointMemory,
  want: WireGuardInterface,
  outcomes: readonly Outcome[],
): void {
  if (outcomes.some(({ error }) => error !== undefined)) return;
  const told = want.peers.flatMap(({ publicKey, endpoint }) =>
    endpoint === undefined ? [] : [[publicKey, endpoint] as const],
  );
  memory.set(want.name, new Map(told));
}
