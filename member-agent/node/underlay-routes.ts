import { familyOf, overlaps, parseCidr, parseInterfaceAddress } from "../../mesh/cidr.ts";
import type { Cidr } from "../../mesh/cidr.ts";
import type { Route } from "../../tunnel/state.ts";
import type { Situation } from "../situation.ts";
import type { Neighbour } from "./neighbours.ts";

/**
 * Underlay ranges of LANs that this node is not on: by the nodes that are on them, for whichever has the pod answers
 * there. The router between the LANs need not know the sources of pods. On its own LAN a node has the LAN's route.
 */
export function underlayRoutes(
  { lan, nodes, node, podSubnets }: Pick<Situation, "lan" | "nodes" | "node" | "podSubnets">,
  neighbours: ReadonlyMap<string, Neighbour>,
): Route[] {
  const near = subnetsOf(lan.addresses);
  const others = nodes
    .filter(({ name }) => name !== node)
    .map(({ name, addresses }) => ({ hops: neighbours.get(name)?.hops, subnets: subnetsOf(addresses) }));
  const underlays = podSubnets.filter(({ type }) => type === "Underlay");
  return underlays
    .flatMap(({ ranges }) => ranges)
    .flatMap((prefix) => {
      const range = parseCidr(prefix);
      if (near.some((subnet) => overlaps(subnet, range))) return [];
      const hops = others
        .filter(({ subnets }) => subnets.some((subnet) => overlaps(subnet, range)))
        .flatMap(({ hops: ways }) => ways?.[familyOf(prefix)] ?? [])
        .toSorted((a, b) => (a.via < b.via ? -1 : 1));
      return hops.length === 0 ? [] : [{ prefix, target: { kind: "multipath", hops } } as const];
    });
}

function subnetsOf(addresses: readonly string[]): Cidr[] {
  return addresses.map((text) => parseInterfaceAddress(text).subnet);
}
