import type { Run } from "../../platform/run.ts";
import type { Outcome } from "../outcome.ts";
import { heldBack } from "../outcome.ts";
import type { WireGuardInterface } from "../state.ts";
import { applyWireGuard } from "./apply.ts";
import { observeWireGuard } from "./observe.ts";
import type { WireGuardStep } from "./plan.ts";
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
 * @param opens whether anybody may be let in; if not, that alone is held back
 * @throws MeshError when the device is not there or nothing answers for it
 */
export async function syncWireGuard(
  run: Run,
  want: WireGuardInterface,
  memory: EndpointMemory,
  now: number,
  opens: boolean,
): Promise<SyncedWireGuard> {
  const have = await observeWireGuard(run, want.name);
  const lastWanted = memory.get(want.name) ?? new Map<string, string>();
  const { put, remove } = planWireGuard(want, have, { now, lastWanted });
  const takeAway = () => applyWireGuard(run, want.name, remove);
  if (!opens) return { outcomes: put.slice(0, 1).map(() => heldBack(`wg set ${want.name}`)), remove: takeAway };
  const outcomes = await applyWireGuard(run, want.name, put);
  rememberEndpoints(memory, want, put, outcomes);
  return { outcomes, remove: takeAway };
}

/**
 * Keeps what the peers of an interface were told. A refused change stays due, for that peer alone: what was not applied
 * was not told.
 * @param outcomes of the steps, in their order
 */
export function rememberEndpoints(
  memory: EndpointMemory,
  { name, peers }: WireGuardInterface,
  steps: readonly WireGuardStep[],
  outcomes: readonly Outcome[],
): void {
  const lastWanted = memory.get(name);
  const refused = new Set(
    steps
      .filter((_, at) => outcomes[at]?.error !== undefined)
      .map((step) => (step.op === "configure" ? undefined : step.publicKey)),
  );
  const told = peers.flatMap(({ publicKey, endpoint }) => {
    const known = refused.has(publicKey) ? lastWanted?.get(publicKey) : endpoint;
    return known === undefined ? [] : [[publicKey, known] as const];
  });
  memory.set(name, new Map(told));
}
