import { addressInCidr, formatAddress, hostCidr, nthAddress, parseAddress, parseCidr, sizeOf } from "./cidr.ts";
import type { TunnelKind } from "./resources.ts";
import { MAX_RANKS } from "./resources.ts";

/**
 * How a member's mesh prefix is laid out, the same for everyone, so that nobody needs to be told:
 * address 0 is nobody's, then two health addresses a rank (WireGuard, VXLAN), then the nodes'.
 */

const FIRST_NODE = 1 + 2 * MAX_RANKS;

/**
 * Where heartbeats to the gateway of `rank` go through one kind of tunnel, as a host CIDR (`10.255.0.1/32`).
 * @throws RangeError when the rank is none or the prefix is too small
 */
export function healthAddress(prefix: string, rank: number, tunnel: TunnelKind): string {
  if (!Number.isInteger(rank) || rank < 0 || rank >= MAX_RANKS) {
    throw new RangeError(`${rank} is not a rank: ranks run from 0 to ${MAX_RANKS - 1}`);
  }
  return hostAt(prefix, 1 + 2 * rank + (tunnel === "VXLAN" ? 1 : 0));
}

/** True when `address` is one that a mesh prefix gives to nodes. */
export function isNodeAddress(prefix: string, address: string): boolean {
  const range = parseCidr(prefix);
  const asked = parseAddress(address);
  const offset = asked.value - range.first;
  return addressInCidr(range, asked) && offset >= BigInt(FIRST_NODE) && offset < sizeOf(range) - 1n;
}

/** The lowest node address that is not in `taken` (host CIDRs), as a host CIDR. Undefined when all are taken. */
export function lowestFreeNodeAddress(prefix: string, taken: readonly string[]): string | undefined {
  const range = parseCidr(prefix);
  const used = new Set(taken.map((cidr) => parseCidr(cidr).first - range.first));
  let offset = BigInt(FIRST_NODE);
  while (used.has(offset)) {
    offset += 1n;
  }
  return offset < sizeOf(range) - 1n ? hostAt(prefix, offset) : undefined;
}

/** The lowest rank that no gateway has. Undefined when all {@link MAX_RANKS} are taken. */
export function lowestFreeRank(taken: readonly number[]): number | undefined {
  const used = new Set(taken);
  return Array.from({ length: MAX_RANKS }, (_, rank) => rank).find((rank) => !used.has(rank));
}

function hostAt(prefix: string, offset: number | bigint): string {
  const range = parseCidr(prefix);
  return hostCidr(formatAddress(nthAddress(range, offset)));
}
