import { addressInCidr, addressPart, familyOf, parseCidr } from "../../mesh/cidr.ts";
import { linkLocalAddress, nodeMac } from "../../mesh/mac-address.ts";
import type { Family } from "../../mesh/resources.ts";
import { NODE_VXLAN, NODE_VXLAN_PORT, VXLAN_VNI } from "../../tunnel/marks.ts";
import type { Hop, VxlanDevice, VxlanPeer } from "../../tunnel/state.ts";
import { vxlanMtu, wireOf } from "../mtu.ts";
import type { Situation } from "../situation.ts";
import { lanAddresses, lanAddressOf, onLan, outerFamily } from "./adjacency.ts";
import type { LanAddress } from "./adjacency.ts";

/** How this node reaches another one of its cluster. */
export interface Neighbour {
  /** Next hop of routes to it, by their family; absent: there is no way. */
  readonly hops: Readonly<Partial<Record<Family, Hop>>>;
  /** What VXLAN between nodes knows of it, where a hop leads through it. */
  readonly vxlan?: { readonly outer: Family; readonly peer: VxlanPeer } | undefined;
}

/**
 * Every other node of the cluster by its name: over the LAN where they share one in the family of the route, through
 * VXLAN where they share none. So IPv4 pods get over a LAN of IPv6 alone, and the other way round.
 */
export function neighboursOf(situation: Situation): ReadonlyMap<string, Neighbour> {
  const { lan, nodes, self } = situation;
  const ours = lanAddresses(lan.addresses);
  const identities = meshIdentities(situation);
  const hasIdentity = identities.has(situation.node);
  const families = new Set([...self.podCIDRs, ...self.meshPrefixes].map(familyOf));
  return new Map(
    nodes
      .filter(({ name }) => name !== situation.node)
      .map(({ name, addresses }) => {
        const theirs = lanAddresses(addresses);
        const direct: Neighbour["hops"] = {
          ...hopOnLan(ours, theirs, 4, lan.device),
          ...hopOnLan(ours, theirs, 6, lan.device),
        };
        const missing = [...families].filter((family) => direct[family] === undefined);
        const theirIdentity = hasIdentity && missing.length > 0 ? identities.get(name) : undefined;
        const tunnelled = theirIdentity && throughVxlan(ours, theirs, theirIdentity, missing);
        return [name, { hops: { ...direct, ...tunnelled?.hops }, vxlan: tunnelled?.vxlan }];
      }),
  );
}

/** VXLAN devices between this node and those that it shares no LAN with; none where it shares one with all. */
export function nodeVxlanDevices(situation: Situation, neighbours: ReadonlyMap<string, Neighbour>): VxlanDevice[] {
  const ours = lanAddresses(situation.lan.addresses);
  const wire = wireOf(situation.lan);
  const mac = meshIdentities(situation).get(situation.node)?.mac;
  return ([4, 6] as const).flatMap((outer) => {
    const local = lanAddressOf(ours, outer);
    const peers = [...neighbours.values()].flatMap(({ vxlan }) => (vxlan?.outer === outer ? [vxlan.peer] : []));
    if (local === undefined || mac === undefined || peers.length === 0) return [];
    const name = NODE_VXLAN[outer];
    return [{ name, vni: VXLAN_VNI, port: NODE_VXLAN_PORT, local, mac, mtu: vxlanMtu(wire, outer), peers }];
  });
}

/** A node on VXLAN. */
interface MeshIdentity {
  readonly mac: string;
  readonly mesh4: string | undefined;
}

/** By name of node: those with an address in the mesh prefix that their MAC addresses are made from, IPv4's if there is one. */
function meshIdentities({ self, blocks }: Situation): ReadonlyMap<string, MeshIdentity> {
  const text = self.meshPrefixes.find((prefix) => familyOf(prefix) === 4) ?? self.meshPrefixes[0];
  if (text === undefined) return new Map();
  const prefix = parseCidr(text);
  return new Map(
    blocks.flatMap(({ node, cidr, purpose }): [string, MeshIdentity][] => {
      if (purpose !== "Mesh") return [];
      const { family, first } = parseCidr(cidr);
      if (!addressInCidr(prefix, { family, value: first })) return [];
      const mac = nodeMac(Number(first - prefix.first));
      return [[node, { mac, mesh4: family === 4 ? addressPart(cidr) : undefined }]];
    }),
  );
}

function hopOnLan(
  ours: readonly LanAddress[],
  theirs: readonly LanAddress[],
  family: Family,
  device: string,
): Neighbour["hops"] {
  const found = onLan(ours, theirs, family);
  return found === undefined ? {} : { [family]: { via: found.via, device, ...(found.onlink && { onlink: true }) } };
}

/**
 * IPv4 goes via the node's mesh address, IPv6 via the link-local address of its MAC: the kernel refuses any other IPv6
 * next hop as long as a route leads to it out of another device (ip6_route_check_nh_onlink in net/ipv6/route.c).
 */
function throughVxlan(
  ours: readonly LanAddress[],
  theirs: readonly LanAddress[],
  { mac, mesh4 }: MeshIdentity,
  families: readonly Family[],
): Neighbour | undefined {
  const outer = outerFamily(ours, theirs);
  if (outer === undefined) return undefined;
  const endpoint = lanAddressOf(theirs, outer);
  const vias = families.flatMap((family) => {
    const via = family === 4 ? mesh4 : linkLocalAddress(mac);
    return via === undefined ? [] : [{ family, via }];
  });
  if (endpoint === undefined || vias.length === 0) return undefined;
  const device = NODE_VXLAN[outer];
  return {
    hops: Object.fromEntries(vias.map(({ family, via }) => [family, { via, device, onlink: true }])),
    vxlan: { outer, peer: { mac, endpoint, addresses: vias.map(({ via }) => via) } },
  };
}
