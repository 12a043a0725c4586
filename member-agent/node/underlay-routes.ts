import {
  bitsOf,
  cidrOf,
  formatCidr,
  overlaps,
  parseCidr,
  parseInterfaceAddress,
  withoutHoles,
} from "../../mesh/cidr.ts";
import type { InterfaceAddress } from "../../mesh/cidr.ts";
import type { Route } from "../../tunnel/state.ts";
import type { Situation } from "../situation.ts";
import type { Neighbour } from "./neighbours.ts";

/**
 * Underlay ranges of LANs that this node is not on: by the nodes that are on them, for whichever has the pod answers
 * there. The router between the LANs need not know the sources of pods. On its own LAN a node has the LAN's route.
 *
 * Nodes' own addresses are left out, should they lie in a range: the VXLAN packets that carry the rest go there, and a
 * device that leads to itself loses them all (ELOOP, udp_tunnel_dst_lookup in net/ipv4/udp_tunnel_core.c).
 */
export function underlayRoutes(
  { lan, nodes, node, podSubnets }: Pick<Situation, "lan" | "nodes" | "node" | "podSubnets">,
  neighbours: ReadonlyMap<string, Neighbour>,
): Route[] {
  const near = lan.addresses.map(parseInterfaceAddress);
  const all = nodes.map(({ name, addresses }) => ({ name, places: addresses.map(parseInterfaceAddress) }));
  const hosts = all.flatMap(({ places }) => places.map(({ address }) => cidrOf(address, bitsOf(address.family))));
  const underlays = podSubnets.filter(({ type }) => type === "Underlay");
  return underlays
    .flatMap(({ ranges }) => ranges.map(parseCidr))
    .flatMap((range) => {
      const isOn = (places: readonly InterfaceAddress[]) => places.some(({ subnet }) => overlaps(subnet, range));
      if (isOn(near)) return [];
      const hops = all
        .filter(({ name, places }) => name !== node && isOn(places))
        .flatMap(({ name }) => neighbours.get(name)?.hops[range.family] ?? [])
        .toSorted((a, b) => (a.via < b.via ? -1 : 1));
      if (hops.length === 0) return [];
      const prefixes = withoutHoles(range, hosts).map(formatCidr);
      return prefixes.map((prefix) => ({ prefix, target: { kind: "multipath", hops } }) as const);
    });
}
