import { familyOf } from "../mesh/cidr.ts";
import type { Family, TunnelKind } from "../mesh/resources.ts";
import type { Lan, Remote, RemoteGateway } from "./situation.ts";

/**
 * How large a packet may be, in bytes. A device's MTU follows from the LAN alone and never changes with its peers; what
 * is smaller than that is said by the routes.
 */

/**
 * Outer headers by kind and by family of the outer addresses: IP (20 or 40) and UDP (8), then
 * - WireGuard: header 16, tag 16 (https://www.wireguard.com/papers/wireguard.pdf, section 5.4.6)
 * - VXLAN: header 8, inner Ethernet header 14 (RFC 7348, section 5)
 */
const OVERHEAD: Readonly<Record<TunnelKind, Readonly<Record<Family, number>>>> = {
  WireGuard: { 4: 60, 6: 80 },
  VXLAN: { 4: 50, 6: 70 },
};
/**
 * A family works on no smaller MTU (RFC 791, section 3.2; RFC 8200, section 5). Where a path would need less for IPv6,
 * outer packets are cut instead. Those of VXLAN over IPv6 are not: on a path below 1350, packets of IPv6 of up to 1280
 * bytes that are larger than it leaves (its MTU less 70) vanish. IPv4 never comes to that.
 */
const FLOOR: Readonly<Record<Family, number>> = { 4: 68, 6: 1280 };
/**
 * WireGuard pads packets to a multiple of this before it seals them (section 5.4.6), but not beyond the MTU of its
 * device; wireguard-go does not ask the route. So 1,340 bytes on a device of 1,440 leave as 1,404, and a path of 1,400
 * loses them (seen).
 */
const PADDING = 16;

/** What decides sizes on one node. */
export interface Wire {
  /** MTU of its LAN. */
  readonly mtu: number;
  /** Families of its LAN addresses; outer packets can have no other. */
  readonly families: readonly Family[];
}

export function wireOf(lan: Lan): Wire {
  return { mtu: lan.mtu, families: ([4, 6] as const).filter((family) => lan.addresses.some(isOf(family))) };
}

/** MTU of every WireGuard device: that of peers over IPv4 where there can be any; routes over IPv6 say less. */
export function wireGuardMtu({ mtu, families }: Wire): number {
  return Math.max(FLOOR[6], mtu - OVERHEAD.WireGuard[families.includes(4) ? 4 : 6]);
}

/** MTU of a VXLAN device with outer addresses of this family. */
export function vxlanMtu({ mtu }: Wire, outer: Family): number {
  return Math.max(FLOOR[6], mtu - OVERHEAD.VXLAN[outer]);
}

/** Largest packet of a family that goes to one gateway by one kind of tunnel. */
export function gatewayMtu(
  { mtu: path }: Pick<Remote, "mtu">,
  { endpoint }: Pick<RemoteGateway, "endpoint">,
  { kind, inner }: { readonly kind: TunnelKind; readonly inner: Family },
  wire: Wire,
): number {
  // Who dials us may come by any family that we have.
  const outer = endpoint === undefined ? (wire.families.includes(6) ? 6 : 4) : familyOf(endpoint);
  const mtu = Math.min(wire.mtu, path ?? wire.mtu) - OVERHEAD[kind][outer];
  const isPadded = kind === "WireGuard" && mtu < wireGuardMtu(wire);
  return Math.max(FLOOR[inner], isPadded ? mtu - (mtu % PADDING) : mtu);
}

/**
 * Largest packet of a family that goes to a linked cluster whichever gateway it takes, by either kind while there are
 * both. A plain node knows less: it looks up no names, and may have other families than the gateways of its cluster have.
 * Where it says more than they do, they answer "too big" to its pods.
 */
export function remoteMtu(remote: Pick<Remote, "accepts" | "gateways" | "mtu">, inner: Family, wire: Wire): number {
  return remote.accepts
    .flatMap((kind) => remote.gateways.map((gateway) => gatewayMtu(remote, gateway, { kind, inner }, wire)))
    .reduce((least, mtu) => Math.min(least, mtu), wire.mtu);
}

/** The MTU that a route out of devices with these MTUs has to say for packets of at most `path`: none where they do. */
export function routeMtu(path: number, devices: readonly number[]): number | undefined {
  const mtu = Math.min(path, ...devices);
  return mtu < Math.max(...devices) ? mtu : undefined;
}

function isOf(family: Family): (text: string) => boolean {
  return (text) => familyOf(text) === family;
}
