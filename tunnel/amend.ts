import { isDeepStrictEqual } from "node:util";
import { applyFirewall } from "./firewall/apply.ts";
import { planFirewallChange } from "./firewall/change.ts";
import { applyNexthops } from "./nexthops/apply.ts";
import { planNexthops } from "./nexthops/plan.ts";
import type { Outcome } from "./outcome.ts";
import type { DataPathDeps } from "./parts.ts";
import { applyRoutes } from "./routes/apply.ts";
import { planRoutes } from "./routes/plan.ts";
import type { SyncReport } from "./report.ts";
import { ReportWriter } from "./report.ts";
import type { DataPath, VxlanDevice, WireGuardInterface } from "./state.ts";
import { applyEntries } from "./vxlan/apply.ts";
import { planEntries, wantedTables } from "./vxlan/plan.ts";
import { applyWireGuard } from "./wireguard/apply.ts";
import type { ObservedWireGuard } from "./wireguard/dump.ts";
import { planWireGuard } from "./wireguard/plan.ts";
import { rememberEndpoints } from "./wireguard/sync.ts";
import type { SyncedWireGuard } from "./wireguard/sync.ts";

/**
 * From one data path to another without a look at the kernel: for what changes every day, linked clusters with their
 * peers, prefixes and routes. With a thousand of them a look takes half a second, this takes a hundredth of it.
 * Undefined when more than that differs, for then it takes {@link syncDataPath}. Not to be run while another sync runs.
 * Never throws.
 * @param held what the kernel was last made to hold, by a sync that {@link isWhole}, as long as nothing says that it may
 * not hold it any more
 */
export async function amendDataPath(
  deps: DataPathDeps,
  want: DataPath,
  held: DataPath,
): Promise<SyncReport | undefined> {
  if (!isDeepStrictEqual(frameOf(want), frameOf(held))) return undefined;
  const firewall = want.firewall && held.firewall ? planFirewallChange(want.firewall, held.firewall) : [];
  const nexthops = planNexthops(...unshared(want.nexthops, held.nexthops));
  if (firewall === undefined || nexthops.put.some(({ op }) => op === "recreate")) return undefined;
  const { run } = deps;
  const routes = planRoutes(...unshared(want.routes, held.routes));
  const report = new ReportWriter();
  // The table is there and has rules for what is in no set yet: nothing passes before both are done, in any order.
  const [elements, peers, entries] = await Promise.all([
    applyFirewall(run, firewall),
    Promise.all(want.wireGuard.map((device, at) => amendPeers(deps, device, held.wireGuard[at]))),
    amendVxlan(deps, want, held),
  ]);
  report.record("firewall", elements);
  report.record(
    "wireguard",
    peers.flatMap(({ outcomes }) => outcomes),
  );
  report.record("links", entries.put);
  report.record("nexthops", await applyNexthops(run, nexthops.put));
  report.record("routes", await applyRoutes(run, [...routes.put, ...routes.remove]));
  report.record("nexthops", await applyNexthops(run, nexthops.remove));
  for (const { remove } of peers) report.record("wireguard", await remove());
  report.record("links", await entries.remove());
  return report;
}

/** Everything of a data path but what follows from linked clusters alone. */
function frameOf({ wireGuard, vxlan, meshAddresses, firewall, sysctls }: DataPath): unknown {
  const withoutPeers = (device: WireGuardInterface | VxlanDevice): unknown => ({ ...device, peers: undefined });
  return [wireGuard.map(withoutPeers), vxlan.map(withoutPeers), meshAddresses, firewall === undefined, sysctls];
}

/**
 * Both without the objects that they share: those need no step, and of thousands nearly all are. Lists are planned in
 * one order, so what is alike at both ends is dropped by a glance, before the rest is looked up.
 */
function unshared<T extends object>(want: readonly T[], have: readonly T[]): [T[], T[]] {
  const shorter = Math.min(want.length, have.length);
  let head = 0;
  while (head < shorter && want[head] === have[head]) head += 1;
  let tail = 0;
  while (tail < shorter - head && want.at(-1 - tail) === have.at(-1 - tail)) tail += 1;
  const [wanted, present] = [want.slice(head, want.length - tail), have.slice(head, have.length - tail)];
  const [ofWanted, ofPresent] = [new Set(wanted), new Set(present)];
  return [wanted.filter((each) => !ofPresent.has(each)), present.filter((each) => !ofWanted.has(each))];
}

async function amendPeers(
  { run, clock, endpointMemory }: DataPathDeps,
  device: WireGuardInterface,
  held: WireGuardInterface | undefined,
): Promise<SyncedWireGuard> {
  const [peers, before] = unshared(device.peers, held?.peers ?? []);
  const now = Math.floor(clock.now() / 1000);
  const lastWanted = endpointMemory.get(device.name) ?? new Map<string, string>();
  const have = asObserved({ ...device, peers: before }, now);
  const { put, remove } = planWireGuard({ ...device, peers }, have, { now, lastWanted });
  const outcomes = await applyWireGuard(run, device.name, put);
  rememberEndpoints(endpointMemory, device, put, outcomes);
  return { outcomes, remove: () => applyWireGuard(run, device.name, remove) };
}

/** An interface as it would be observed right after it was made to hold this. */
function asObserved({ peers, ...device }: WireGuardInterface, now: number): ObservedWireGuard {
  return {
    ...device,
    peers: peers.map((peer) => ({ ...peer, latestHandshake: now, rxBytes: 0, txBytes: 0 })),
  };
}

async function amendVxlan(
  { run }: DataPathDeps,
  want: DataPath,
  held: DataPath,
): Promise<{ readonly put: readonly Outcome[]; readonly remove: () => Promise<readonly Outcome[]> }> {
  const devices = want.vxlan.map((device, at) => {
    const [peers, before] = unshared(device.peers, held.vxlan[at]?.peers ?? []);
    return { want: { ...device, peers }, have: { ...device, peers: before } };
  });
  const wanted = wantedTables(devices.map((device) => device.want));
  const present = wantedTables(devices.map((device) => device.have));
  const fdb = planEntries(wanted.fdb, present.fdb);
  const neighbours = planEntries(wanted.neighbours, present.neighbours);
  return {
    put: await applyEntries(run, { fdb: fdb.put, neighbours: neighbours.put }),
    remove: () => applyEntries(run, { fdb: fdb.remove, neighbours: neighbours.remove }),
  };
}
