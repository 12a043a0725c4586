/** Devices as the rules name them; a trailing `*` is any rest. */

/** Tunnels to other clusters. The mesh device matches too, but nothing ever arrives from it. */
export const TUNNELS = "trs*";
/** The VXLAN devices between clusters, of either outer family. */
export const VXLANS = "trsvx*";
/** The VXLAN devices between nodes, of either outer family. */
export const NODE_VXLANS = "trnvx*";
/** Host ends of pods' wires; see `podDevice`. */
export const PODS = "tp*";
/** Tunnels, pods' wires, and this machine itself: ways on which nothing goes past a tunnel. */
export const WAYS = [TUNNELS, PODS, "lo"] as const;
