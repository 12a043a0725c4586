import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import type { Run } from "../platform/run.ts";
import { addressLine, observeAddresses, planAddresses } from "./addresses/addresses.ts";
import { applyFirewall } from "./firewall/apply.ts";
import { observeFirewall } from "./firewall/observe.ts";
import { planFirewall } from "./firewall/plan.ts";
import { rulesetOf } from "./firewall/ruleset.ts";
import { applyForeign } from "./foreign/apply.ts";
import { observeForeign } from "./foreign/observe.ts";
import { planForeign } from "./foreign/plan.ts";
import { ipBatch } from "./ip.ts";
import { withoutDevices } from "./links/absent.ts";
import { applyLinks, holdLinks } from "./links/apply.ts";
import { observeLinks } from "./links/observe.ts";
import { planLinks, wantedLinks } from "./links/plan.ts";
import { applyNexthops } from "./nexthops/apply.ts";
import { observeNexthops } from "./nexthops/observe.ts";
import { planNexthops } from "./nexthops/plan.ts";
import type { Outcome } from "./outcome.ts";
import { heldBack, nothing } from "./outcome.ts";
import { applyRoutes } from "./routes/apply.ts";
import { observeRoutes } from "./routes/observe.ts";
import { planRoutes } from "./routes/plan.ts";
import type { DataPath } from "./state.ts";
import type { SysctlMemory } from "./sysctls/memory.ts";
import { holdSysctls } from "./sysctls/sync.ts";
import { syncPeers } from "./vxlan/sync.ts";
import type { EndpointMemory } from "./wireguard/sync.ts";
import { syncWireGuard } from "./wireguard/sync.ts";

export interface DataPathDeps {
  /** Runs programs inside the node's network and mount namespaces. */
  readonly run: Run;
  /** Path of wireguard-go, for kernels without WireGuard. */
  readonly wireGuardGo?: string | undefined;
  readonly clock: Clock;
  readonly sysctlMemory: SysctlMemory;
  readonly endpointMemory: EndpointMemory;
}

/** What a part did at its turn, and what it deletes when all parts had theirs. */
export interface PartResult {
  readonly outcomes: readonly Outcome[];
  readonly remove?: () => Promise<readonly Outcome[]>;
  /** Devices that nothing is to be put on: they are not there, or another's. */
  readonly absent?: ReadonlySet<string>;
}
/** @param opens whether the firewall is in place; if not, what would let anybody in is held back, and that alone */
export type Part = (deps: DataPathDeps, want: DataPath, opens: boolean) => Promise<PartResult>;

export async function syncFirewall({ run }: DataPathDeps, want: DataPath): Promise<PartResult> {
  const steps = planFirewall(want.firewall && rulesetOf(want.firewall), await observeFirewall(run));
  if (want.firewall === undefined) {
    return { outcomes: [], remove: () => applyFirewall(run, steps) };
  }
  return { outcomes: await applyFirewall(run, steps) };
}

/** Our one rule in other programs' chains that would drop what our own let through. */
export async function syncForeign({ run }: DataPathDeps, want: DataPath): Promise<PartResult> {
  const wanted = want.firewall !== undefined;
  const { chains, unread } = await observeForeign(run);
  const act = async () => [...unread, ...(await applyForeign(run, planForeign(chains, wanted)))];
  return wanted ? { outcomes: await act() } : { outcomes: [], remove: act };
}

/** Devices, and who is behind those of VXLAN. */
export async function syncLinks(
  { run, wireGuardGo }: DataPathDeps,
  want: DataPath,
  opens: boolean,
): Promise<PartResult> {
  const wanted = wantedLinks(want);
  const have = await observeLinks(run);
  const { put, remove } = planLinks(wanted, have);
  const { outcomes, absent } = opens ? await applyLinks(run, put, wireGuardGo) : holdLinks(wanted, put, have);
  const peers = await syncPeers(run, withoutDevices(want, absent).vxlan, opens);
  return {
    outcomes: [...outcomes, ...peers.outcomes],
    remove: async () => [...(await peers.remove()), ...(await applyLinks(run, remove)).outcomes],
    absent,
  };
}

export async function syncTunnels(deps: DataPathDeps, want: DataPath, opens: boolean): Promise<PartResult> {
  const { run, clock, endpointMemory } = deps;
  const now = Math.floor(clock.now() / 1000);
  const synced = await Promise.all(
    want.wireGuard.map((device) =>
      syncWireGuard(run, device, endpointMemory, now, opens).catch((error: unknown) => ({
        outcomes: [{ step: `wg show ${device.name} dump`, error: messageOf(error) }],
        remove: nothing,
      })),
    ),
  );
  return {
    outcomes: synced.flatMap(({ outcomes }) => outcomes),
    remove: async () => (await Promise.all(synced.map(({ remove }) => remove()))).flat(),
  };
}

export async function syncAddresses({ run }: DataPathDeps, want: DataPath): Promise<PartResult> {
  if (want.meshAddresses.length === 0) {
    return { outcomes: [] }; // the device goes, and its addresses with it; or it is another's
  }
  const { put, remove } = planAddresses(want.meshAddresses, await observeAddresses(run));
  return {
    outcomes: await ipBatch(run, put.map(addressLine)),
    remove: () => ipBatch(run, remove.map(addressLine)),
  };
}

export async function syncNexthops({ run }: DataPathDeps, want: DataPath): Promise<PartResult> {
  const { put, remove } = planNexthops(want.nexthops, await observeNexthops(run));
  return { outcomes: await applyNexthops(run, put), remove: () => applyNexthops(run, remove) };
}

export async function syncRoutes({ run }: DataPathDeps, want: DataPath): Promise<PartResult> {
  const { put, remove } = planRoutes(want.routes, await observeRoutes(run));
  return { outcomes: await applyRoutes(run, put), remove: () => applyRoutes(run, remove) };
}

/** Without a firewall nothing is forwarded anew; what is to go back goes back. */
export async function syncSysctls(
  { run, sysctlMemory }: DataPathDeps,
  want: DataPath,
  opens: boolean,
): Promise<PartResult> {
  if (!opens && want.sysctls.length > 0) return { outcomes: [heldBack("hold sysctls")] };
  return { outcomes: await holdSysctls(run, want.sysctls, sysctlMemory) };
}
