import { addressPart, familyOf } from "../../mesh/cidr.ts";
import { healthAddress } from "../../mesh/mesh-prefix.ts";
import { TUNNEL_KINDS } from "../../mesh/resources.ts";
import type { Family, TunnelKind } from "../../mesh/resources.ts";
import { MESH_VXLAN, wireGuardDevice } from "../../tunnel/marks.ts";
import type { Nexthop, Route, RouteTarget } from "../../tunnel/state.ts";
import { gatewayMtu, remoteMtu, routeMtu, vxlanMtu, wireGuardMtu, wireOf } from "../mtu.ts";
import type { Wire } from "../mtu.ts";
import { backstopTo, ownMeshSources } from "../node/plan.ts";
import type { AddressByFamily, RemotePlan } from "../remote-plan.ts";
import type { OwnGateway, Remote, Situation } from "../situation.ts";
import { groupID, tunnelNexthopID, vxlanNexthopID } from "./nexthop-ids.ts";
import { probedFamily } from "./probe-paths.ts";
import type { FarEnd } from "./vxlan-plan.ts";
import { farEnds, vxlanPeers } from "./vxlan-plan.ts";
import { wireGuardPeers } from "./wireguard-plan.ts";

/** Where a gateway stands: all that the plan of a linked cluster depends on but that cluster. */
export interface GatewayVantage {
  readonly rank: number;
  /** Its packets arrive from elsewhere than it sends them from, and so no VXLAN can be taken from it. */
  readonly behindNAT: boolean;
  readonly wire: Wire;
  /** Mesh addresses of the node: source of what it sends to linked clusters. */
  readonly sources: AddressByFamily;
  /** Its own health addresses. */
  readonly health: Readonly<Record<TunnelKind, AddressByFamily>>;
}

export function gatewayVantage(situation: Situation, own: OwnGateway): GatewayVantage {
  const health = (kind: TunnelKind): AddressByFamily =>
    Object.fromEntries(
      situation.self.meshPrefixes.map((prefix) => [
        familyOf(prefix),
        addressPart(healthAddress(prefix, own.rank, kind)),
      ]),
    );
  return {
    rank: own.rank,
    behindNAT: own.behindNAT,
    wire: wireOf(situation.lan),
    sources: ownMeshSources(situation),
    health: { WireGuard: health("WireGuard"), VXLAN: health("VXLAN") },
  };
}

/** Health addresses of this gateway, one per tunnel kind and family, as host prefixes. */
export function ownHealthAddresses(situation: Situation, own: OwnGateway): string[] {
  return situation.self.meshPrefixes.flatMap((prefix) =>
    TUNNEL_KINDS.map((kind) => healthAddress(prefix, own.rank, kind)),
  );
}

/**
 * Tunnels of every kind that is accepted, and every prefix out by those of the kind that packets leave by. Where that
 * kind leads to no gateway, the prefixes are unreachable.
 */
export function planForGateway(remote: Remote, at: GatewayVantage): RemotePlan {
  const ends = at.behindNAT ? [] : farEnds(remote, at.wire);
  const devices = deviceMtus(remote, ends, at.wire);
  const wayOf = (family: Family) => {
    const mtu = routeMtu(remoteMtu(remote, family, at.wire), devices);
    return { mtu, paths: pathsTo(remote, ends, at, { family, mtu }) };
  };
  const ways = { 4: wayOf(4), 6: wayOf(6) };
  const families = ([4, 6] as const).filter((family) => remote.prefixes.some((prefix) => familyOf(prefix) === family));
  return {
    wireGuard: wireGuardPeers(remote, at.rank),
    vxlan: vxlanPeers(ends),
    nexthops: families.flatMap((family) => {
      const { paths } = ways[family];
      const group = { id: groupID(remote.number, family), group: paths.map(({ id }) => id) };
      return paths.length === 0 ? [] : [...paths, group];
    }),
    routes: [
      ...remote.prefixes.map(backstopTo),
      ...remote.prefixes.flatMap((prefix): Route[] => {
        const family = familyOf(prefix);
        const { paths, mtu } = ways[family];
        if (paths.length === 0) return [];
        return [
          { prefix, target: { kind: "nexthop", id: groupID(remote.number, family) }, src: at.sources[family], mtu },
        ];
      }),
      ...healthRoutes(remote, ends, at),
    ],
  };
}

/**
 * One next hop a tunnel of the kind that packets leave by, in order of their ids; for routes of one family that all say
 * this MTU.
 */
function pathsTo(
  remote: Remote,
  ends: readonly FarEnd[],
  at: GatewayVantage,
  { family, mtu }: { readonly family: Family; readonly mtu: number | undefined },
): Nexthop[] {
  const paths =
    remote.sends === "WireGuard"
      ? remote.gateways.map(({ rank }) => ({
          id: tunnelNexthopID(rank, family, mtu),
          family,
          device: wireGuardDevice(at.rank, rank),
        }))
      : ends.flatMap(({ gateway, outer, vias }) => {
          const via = vias[family];
          const id = vxlanNexthopID(remote.number, gateway.rank, family);
          return via === undefined ? [] : [{ id, family, device: MESH_VXLAN[outer], via, onlink: true }];
        });
  return paths.toSorted((a, b) => a.id - b.id);
}

/** MTUs of the devices that packets leave by. */
function deviceMtus(remote: Remote, ends: readonly FarEnd[], wire: Wire): number[] {
  return remote.sends === "WireGuard" ? [wireGuardMtu(wire)] : ends.map(({ outer }) => vxlanMtu(wire, outer));
}

/**
 * The health addresses of a linked cluster, each into the one tunnel that ends there, so that what passes proves that
 * tunnel. Of the family that is used for it: of thousands of routes a third would be for nothing.
 */
function healthRoutes(remote: Remote, ends: readonly FarEnd[], { rank, wire, health }: GatewayVantage): Route[] {
  const overWireGuard = remote.accepts.includes("WireGuard") ? remote.gateways : [];
  const family = probedFamily(Object.values(health.WireGuard), remote.meshPrefixes);
  const meshPrefix = remote.meshPrefixes.find((prefix) => familyOf(prefix) === family);
  if (family === undefined || meshPrefix === undefined) return [];
  const route = (
    kind: TunnelKind,
    gateway: Remote["gateways"][number],
    target: RouteTarget,
    device: number,
  ): Route => ({
    prefix: healthAddress(meshPrefix, gateway.rank, kind),
    target,
    src: health[kind][family],
    mtu: routeMtu(gatewayMtu(remote, gateway, { kind, inner: family }, wire), [device]),
  });
  return [
    ...overWireGuard.map((gateway) =>
      route("WireGuard", gateway, { kind: "device", device: wireGuardDevice(rank, gateway.rank) }, wireGuardMtu(wire)),
    ),
    ...ends.flatMap(({ gateway, outer, vias }) => {
      const via = vias[family];
      if (via === undefined) return [];
      const hops = [{ via, device: MESH_VXLAN[outer], onlink: true }];
      return [route("VXLAN", gateway, { kind: "multipath", hops }, vxlanMtu(wire, outer))];
    }),
  ];
}
