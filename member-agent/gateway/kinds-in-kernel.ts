import { healthAddress } from "../../mesh/mesh-prefix.ts";
import { TUNNEL_KINDS } from "../../mesh/resources.ts";
import type { TunnelKind } from "../../mesh/resources.ts";
import { TUNNEL_NAME } from "../../tunnel/links/plan.ts";
import { MESH_VXLAN } from "../../tunnel/marks.ts";
import type { ObservedNexthop } from "../../tunnel/nexthops/observe.ts";
import type { ObservedRoute } from "../../tunnel/routes/observe.ts";
import type { RouteTarget } from "../../tunnel/state.ts";
import type { Remote } from "../situation.ts";
import type { KindState } from "./kinds.ts";

/** What of the kernel tells by which tunnels packets leave. */
export interface ObservedPaths {
  readonly routes: readonly ObservedRoute[];
  readonly nexthops: readonly ObservedNexthop[];
}

/**
 * By which kinds each linked cluster is reached now, as an agent finds it when it starts, so that one that was ended in
 * the middle of a change goes on from there. Clusters that no route leads to are left out. Pure.
 */
export function kindsInKernel(
  remotes: readonly Remote[],
  { routes, nexthops }: ObservedPaths,
  nowMs: number,
): ReadonlyMap<string, KindState> {
  const targets = new Map<string, RouteTarget>();
  for (const { prefix, target } of routes) if (target && target.kind !== "unreachable") targets.set(prefix, target);
  const byID = new Map(nexthops.map((nexthop) => [nexthop.id, nexthop]));
  return new Map(
    remotes.flatMap((remote) => {
      const sends = remote.prefixes
        .map((prefix) => kindOf(targets.get(prefix), byID))
        .find((kind) => kind !== undefined);
      if (sends === undefined) return [];
      const accepts = TUNNEL_KINDS.filter((kind) => kind === sends || isHealthRouted(remote, kind, targets));
      return [[remote.name, { accepts, sends, ...(accepts.length > 1 && { otherUsedMs: nowMs }) }] as const];
    }),
  );
}

/** Undefined where the way is no tunnel to another cluster: a node that was no gateway sent to those of its cluster. */
function kindOf(
  target: RouteTarget | undefined,
  nexthops: ReadonlyMap<number, ObservedNexthop>,
): TunnelKind | undefined {
  const device = deviceOf(target, nexthops);
  if (device === undefined) return undefined;
  if (TUNNEL_NAME.test(device)) return "WireGuard";
  return device === MESH_VXLAN[4] || device === MESH_VXLAN[6] ? "VXLAN" : undefined;
}

/** A device of the target's; all those of one target are of one kind. */
function deviceOf(target: RouteTarget | undefined, nexthops: ReadonlyMap<number, ObservedNexthop>): string | undefined {
  switch (target?.kind) {
    case "nexthop": {
      const nexthop = nexthops.get(target.id);
      const single = nexthop && "group" in nexthop ? nexthops.get(nexthop.group[0] ?? -1) : nexthop;
      return single && "device" in single ? single.device : undefined;
    }
    case "multipath":
      return target.hops[0]?.device;
    case "device":
      return target.device;
    default:
      return undefined;
  }
}

function isHealthRouted(
  { meshPrefixes, gateways }: Remote,
  kind: TunnelKind,
  targets: ReadonlyMap<string, RouteTarget>,
): boolean {
  return meshPrefixes.some((prefix) => gateways.some(({ rank }) => targets.has(healthAddress(prefix, rank, kind))));
}
