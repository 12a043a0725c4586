/**
 * The marks that say "ours" in the kernel: a restart needs no memory, a foreign thing is never touched, and leaving is
 * deleting what carries them.
 */

/** Protocol number of our routes and nexthops (rtnetlink(7): 4 to 255 are for programs; this one is nobody's in iproute2's rt_protos). */
export const ROUTE_PROTOCOL = 174;
/** Every device of ours starts with this. */
export const DEVICE_PREFIX = "trs";
/** Holds the mesh addresses of the node. */
export const MESH_DEVICE = "trsmesh";
export const NFT_TABLE = "trestle";
/** Firewall mark on packets that a tunnel itself sends. */
export const TUNNEL_FWMARK = 0x7e5;
/** Metric of the backstop that makes a remote prefix unreachable rather than follow the default route in clear. */
export const BACKSTOP_METRIC = 9999;

/** `trs<own rank>-<remote rank>` */
export function wireGuardDevice(ownRank: number, remoteRank: number): string {
  return `${DEVICE_PREFIX}${ownRank}-${remoteRank}`;
}

/** Alias (ifalias) of every device that this folder made; a device without it is never deleted. */
export const DEVICE_ALIAS = "trestle";

/** UDP port of heartbeats on health and node addresses, the same in the whole mesh: only tunnels and the LAN lead there. */
export const HEARTBEAT_PORT = 7075;
