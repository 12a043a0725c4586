import type { Family } from "../../mesh/resources.ts";
import { MAX_RANKS } from "../../mesh/resources.ts";

/** Nexthop ids are one number space a namespace (32 bits); ours start high, out of the way of what people type. */
const FIRST_TUNNEL_ID = 1_953_000_000;
const FIRST_GROUP_ID = 1_954_000_000;
const FIRST_VXLAN_ID = 1_955_000_000;
const FIRST_NARROW_ID = 1_958_000_000;

/**
 * Out of the WireGuard interface of a remote rank, for routes that say this MTU (up to 65,535) or none. The kernel keeps
 * with a nexthop what it made of the first route that led there, MTU and all, and takes it for every other route that
 * does (rt_cache_route in net/ipv4/route.c, rt6_make_pcpu_route in net/ipv6/route.c; seen on 6.18): so routes of one MTU
 * share a nexthop, and no others.
 */
export function tunnelNexthopID(rank: number, family: Family, mtu?: number): number {
  const first = mtu === undefined ? FIRST_TUNNEL_ID : FIRST_NARROW_ID + mtu * MAX_RANKS * 2;
  return first + rank * 2 + (family === 6 ? 1 : 0);
}

/** To a linked cluster by all its gateways, whatever the kind of tunnel, so that a change of kind touches no route. */
export function groupID(clusterNumber: number, family: Family): number {
  return FIRST_GROUP_ID + clusterNumber * 2 + (family === 6 ? 1 : 0);
}

/** To one gateway of a linked cluster by VXLAN. */
export function vxlanNexthopID(clusterNumber: number, rank: number, family: Family): number {
  return FIRST_VXLAN_ID + (clusterNumber * MAX_RANKS + rank) * 2 + (family === 6 ? 1 : 0);
}
