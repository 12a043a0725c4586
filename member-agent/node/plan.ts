import { addressPart, familyOf } from "../../mesh/cidr.ts";
import { healthAddress } from "../../mesh/mesh-prefix.ts";
import { TUNNEL_KINDS } from "../../mesh/resources.ts";
import type { Family } from "../../mesh/resources.ts";
import { BACKSTOP_METRIC } from "../../tunnel/marks.ts";
import type { Hop, Route } from "../../tunnel/state.ts";
import { remoteMtu, routeMtu, vxlanMtu, wireOf } from "../mtu.ts";
import type { Wire } from "../mtu.ts";
import type { AddressByFamily, RemotePlan } from "../remote-plan.ts";
import type { Remote, Situation } from "../situation.ts";
import type { Neighbour } from "./neighbours.ts";

/** The prefixes that are somebody's now: this cluster's and the linked ones'. */
export function livePrefixes({ self, remotes }: Pick<Situation, "self" | "remotes">): string[] {
  return [...self.podCIDRs, ...self.meshPrefixes, ...remotes.flatMap((remote) => remote.prefixes)];
}

/** Unreachable rather than out in clear by the default route. */
export function backstopTo(prefix: string): Route {
  return { prefix, target: { kind: "unreachable" }, metric: BACKSTOP_METRIC };
}

/** Own pod and mesh ranges, and what is closed; those of linked clusters come with each of them. */
export function ownBackstops({ self, closed }: Pick<Situation, "self" | "closed">): Route[] {
  const undialled = closed.flatMap(({ prefix, isDialled }) => (isDialled ? [] : [prefix]));
  return [...self.podCIDRs, ...self.meshPrefixes, ...undialled].map(backstopTo);
}

/** The other nodes' blocks and the other gateways' health addresses. */
export function neighbourRoutes(situation: Situation, neighbours: ReadonlyMap<string, Neighbour>): Route[] {
  const through = (owner: string, prefix: string): Route[] => {
    const hop = neighbours.get(owner)?.hops[familyOf(prefix)];
    return hop === undefined ? [] : [{ prefix, target: { kind: "multipath", hops: [hop] } }];
  };
  return [
    ...situation.blocks.flatMap((block) => through(block.node, block.cidr)),
    ...situation.gateways.flatMap((gateway) =>
      situation.self.meshPrefixes.flatMap((prefix) =>
        TUNNEL_KINDS.flatMap((tunnel) => through(gateway.node, healthAddress(prefix, gateway.rank, tunnel))),
      ),
    ),
  ];
}

/** Where a node that is no gateway stands: all that the plan of a linked cluster depends on but that cluster. */
export interface NodeVantage {
  readonly wire: Wire;
  /** Its mesh addresses: source of what it sends to linked clusters, for a LAN source dies at the far side. */
  readonly sources: AddressByFamily;
  /** Next hops to all local gateways, and the MTUs of their devices, by family of what goes there. */
  readonly exits: Readonly<Record<Family, { readonly hops: readonly Hop[]; readonly mtus: readonly number[] }>>;
}

export function nodeVantage(situation: Situation, neighbours: ReadonlyMap<string, Neighbour>): NodeVantage {
  const wire = wireOf(situation.lan);
  const gateways = [...new Set(situation.gateways.map(({ node }) => node))].flatMap(
    (node) => neighbours.get(node) ?? [],
  );
  const exit = (family: Family): NodeVantage["exits"][Family] => {
    const ways = gateways.flatMap(({ hops, vxlan }) => {
      const hop = hops[family];
      if (hop === undefined) return [];
      const isTunnelled = vxlan !== undefined && hop.device !== situation.lan.device;
      return [{ hop, mtu: isTunnelled ? vxlanMtu(wire, vxlan.outer) : wire.mtu }];
    });
    const sorted = ways.toSorted((a, b) => (a.hop.via < b.hop.via ? -1 : 1));
    return { hops: sorted.map(({ hop }) => hop), mtus: sorted.map(({ mtu }) => mtu) };
  };
  return { wire, sources: ownMeshSources(situation), exits: { 4: exit(4), 6: exit(6) } };
}

/**
 * Every prefix over all local gateways. Plain multipath, for a nexthop object dies with a carrier flap and stays dead,
 * where `via` comes back by itself. A cluster without gateways is unreachable here already.
 */
export function planForNode(remote: Remote, { wire, sources, exits }: NodeVantage): RemotePlan {
  const routes = remote.prefixes.flatMap((prefix): Route[] => {
    const family = familyOf(prefix);
    const { hops, mtus } = exits[family];
    if (hops.length === 0 || remote.gateways.length === 0) return [];
    const mtu = routeMtu(remoteMtu(remote, family, wire), mtus);
    return [{ prefix, target: { kind: "multipath", hops }, src: sources[family], mtu }];
  });
  return { wireGuard: [], vxlan: [], nexthops: [], routes: [...remote.prefixes.map(backstopTo), ...routes] };
}

/** This node's mesh addresses as host prefixes. */
export function ownMeshAddresses(situation: Pick<Situation, "node" | "blocks">): string[] {
  return situation.blocks
    .filter((block) => block.node === situation.node && block.purpose === "Mesh")
    .map((block) => block.cidr);
}

/** The first of them in each family, without prefix length. */
export function ownMeshSources(situation: Situation): AddressByFamily {
  const addresses = ownMeshAddresses(situation).map(addressPart);
  return Object.fromEntries(addresses.toReversed().map((address) => [familyOf(address), address]));
}
