import { addressPart, familyOf } from "../../mesh/cidr.ts";
import { gatewayMac, linkLocalAddress } from "../../mesh/mac-address.ts";
import { healthAddress } from "../../mesh/mesh-prefix.ts";
import type { Family } from "../../mesh/resources.ts";
import { MESH_VXLAN, MESH_VXLAN_PORT, VXLAN_VNI } from "../../tunnel/marks.ts";
import type { VxlanDevice } from "../../tunnel/state.ts";
import { vxlanMtu, wireOf } from "../mtu.ts";
import type { Wire } from "../mtu.ts";
import { lanAddresses, lanAddressOf } from "../node/adjacency.ts";
import type { AddressByFamily, RemotePlan } from "../remote-plan.ts";
import type { OwnGateway, Remote, RemoteGateway, Situation } from "../situation.ts";

/** A gateway of a linked cluster that VXLAN goes to. */
export interface FarEnd {
  readonly gateway: RemoteGateway;
  readonly mac: string;
  /** Outer address, and its family. */
  readonly endpoint: string;
  readonly outer: Family;
  /** Next hops at that MAC, by the family of what goes there. */
  readonly vias: AddressByFamily;
}

/**
 * The gateways of a linked cluster that VXLAN goes to: not those whose packets arrive from elsewhere than they were sent
 * from (NAT), and none that has no address here, for nobody dials by VXLAN.
 */
export function farEnds(remote: Remote, wire: Wire): FarEnd[] {
  if (!remote.accepts.includes("VXLAN")) return [];
  return remote.gateways.flatMap((gateway) => {
    const { endpoint, behindNAT, rank } = gateway;
    if (endpoint === undefined || behindNAT || !wire.families.includes(familyOf(endpoint))) return [];
    const mac = gatewayMac(remote.number, rank);
    return [{ gateway, mac, endpoint, outer: familyOf(endpoint), vias: viasTo(remote, rank, mac) }];
  });
}

export function vxlanPeers(ends: readonly FarEnd[]): RemotePlan["vxlan"] {
  return ends.map(({ outer, mac, endpoint, vias }) => ({
    outer,
    peer: { mac, endpoint, addresses: Object.values(vias) },
  }));
}

/** One device for all clusters and each family of outer addresses that one of them has. */
export function vxlanDevices(situation: Situation, own: OwnGateway, peers: RemotePlan["vxlan"]): VxlanDevice[] {
  const ours = lanAddresses(situation.lan.addresses);
  const wire = wireOf(situation.lan);
  return ([4, 6] as const).flatMap((family) => {
    const local = lanAddressOf(ours, family);
    const ofFamily = peers.flatMap(({ outer, peer }) => (outer === family ? [peer] : []));
    if (local === undefined || ofFamily.length === 0) return [];
    const mac = gatewayMac(situation.self.number, own.rank);
    const mtu = vxlanMtu(wire, family);
    return [{ name: MESH_VXLAN[family], vni: VXLAN_VNI, port: MESH_VXLAN_PORT, local, mac, mtu, peers: ofFamily }];
  });
}

/**
 * IPv4 goes via the gateway's health address. IPv6 goes via the link-local address of its MAC: the kernel refuses any
 * other IPv6 next hop as long as a route leads to it out of another device, as WireGuard's does while a link's kind
 * changes (ip6_route_check_nh_onlink in net/ipv6/route.c); and it needs no mesh prefix of IPv6.
 */
function viasTo(remote: Remote, rank: number, mac: string): AddressByFamily {
  const mesh4 = remote.meshPrefixes.find((prefix) => familyOf(prefix) === 4);
  return {
    ...(mesh4 !== undefined && { 4: addressPart(healthAddress(mesh4, rank, "VXLAN")) }),
    ...(remote.prefixes.some((prefix) => familyOf(prefix) === 6) && { 6: linkLocalAddress(mac) }),
  };
}
