import { formatAddress } from "./cidr.ts";
import { MAX_RANKS } from "./resources.ts";

/**
 * MAC addresses of VXLAN devices, made so that both ends know each other's without being told. `02` in front says
 * unicast and locally administered (IEEE 802, section 8.4.2), then ASCII: `t` for us, and `g` or `n`.
 */

/** Of a cluster (16 bit number) and a rank: `02:74:67:<number, 2 bytes>:<rank>`. */
const GATEWAY = 0x02_74_67;
/** Of a node of one cluster: `02:74:6e:<offset, 3 bytes>`. */
const NODE = 0x02_74_6e;

/**
 * Of the gateway that has `rank` in the cluster with that number, on VXLAN between clusters.
 * @throws RangeError when the number has more than 16 bits or the rank is none
 */
export function gatewayMac(clusterNumber: number, rank: number): string {
  requireBelow(clusterNumber, 0x1_00_00, "cluster number");
  requireBelow(rank, MAX_RANKS, "rank");
  return macOf(GATEWAY, clusterNumber * 0x100 + rank);
}

/**
 * Of a node on VXLAN between the nodes of one cluster.
 * @param offset of the node's mesh address in its mesh prefix
 * @throws RangeError when the offset has more than 24 bits
 */
export function nodeMac(offset: number): string {
  requireBelow(offset, 0x1_00_00_00, "offset of a mesh address");
  return macOf(NODE, offset);
}

/**
 * The link-local address that belongs to a MAC address (RFC 4291, appendix A): fe80::/64 and the modified EUI-64.
 * @throws RangeError when `mac` is no MAC address
 */
export function linkLocalAddress(mac: string): string {
  if (!/^[\da-f]{2}(:[\da-f]{2}){5}$/.test(mac)) {
    throw new RangeError(`"${mac}" is not a MAC address`);
  }
  const bytes = mac.split(":");
  const eui64 = BigInt(`0x${[...bytes.slice(0, 3), "fffe", ...bytes.slice(3)].join("")}`);
  return formatAddress({ family: 6, value: (0xfe80n << 112n) | (eui64 ^ (0x02n << 56n)) });
}

function macOf(high: number, low: number): string {
  const digits = [high, low].map((half) => half.toString(16).padStart(6, "0")).join("");
  return (digits.match(/../g) ?? []).join(":");
}

function requireBelow(value: number, limit: number, what: string): void {
  if (!Number.isInteger(value) || value < 0 || value >= limit) {
    throw new RangeError(`${value} is not a ${what}: those run from 0 to ${limit - 1}`);
  }
}
