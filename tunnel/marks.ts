/**
 * The marks that say "ours" in the kernel: a restart needs no memory, a foreign thing is never touched, and leaving is
 * deleting what carries them.
 */

/** Protocol number of our routes and nexthops (rtnetlink(7): 4 to 255 are for programs; this one is nobody's in iproute2's rt_protos). */
export const ROUTE_PROTOCOL = 174;
/** Every tunnel to another cluster starts with this. */
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

/** VXLAN between clusters, one device for all of them and each family of outer addresses; tunnels' rules match its name. */
export const MESH_VXLAN = { 4: "trsvx", 6: "trsvx6" } as const;
/** VXLAN between nodes of one cluster that share no LAN; not a tunnel to others, and so not named like one. */
export const NODE_VXLAN = { 4: "trnvx", 6: "trnvx6" } as const;
/** UDP ports of VXLAN, next to {@link HEARTBEAT_PORT}: 4789 and 8472 belong to CNIs. */
export const MESH_VXLAN_PORT = 7076;
export const NODE_VXLAN_PORT = 7077;
export const VXLAN_VNI = 0x7e5;

/**
 * Bit of the packet mark that our forward and input chains set on what they let through, so that one rule in a foreign
 * chain that drops by default can tell it. Kubernetes has 0x4000 and 0x8000, Tailscale 0xff0000, Cilium 0xf00.
 */
export const ALLOWED_MARK = 0x1000;
/** What kube-proxy marks traffic by that is to be masqueraded. */
export const KUBE_MASQUERADE_MARK = 0x4000;

/** Alias (ifalias) of every device that this folder made; a device without it is never deleted. */
export const DEVICE_ALIAS = "trestle";

/** UDP port of heartbeats on health and node addresses, the same in the whole mesh: only tunnels and the LAN lead there. */
export const HEARTBEAT_PORT = 7075;
