import { addressPart, bitsOf, cidrOf, contains, formatCidr, parseAddress, parseCidr, sizeOf } from "../cidr.ts";
import type { Cidr } from "../cidr.ts";
import type { SubnetSpec } from "./resources.ts";
import type { Span } from "./span.ts";
import { spanOfCidr, spanOfSubnet, spansOverlap } from "./span.ts";
import { MOST_ADDRESSES } from "./supply.ts";

/** An IPBlock has four addresses at least: those of one are of addresses that go where their pod goes. */
export const SMALLEST_BLOCK_BITS = 2;

/**
 * Prefix length of the blocks that nodes claim of an overlay Subnet: unless it says one, 256 addresses, as a /24 or a
 * /120; of a CIDR too small to give sixteen of those, a sixteenth, so that a small cluster still has blocks for several
 * nodes.
 */
export function blockLengthOf({ cidr: text, blockSize }: Pick<SubnetSpec, "cidr" | "blockSize">): number {
  const { family, length } = parseCidr(text);
  const longest = bitsOf(family) - SMALLEST_BLOCK_BITS;
  return blockSize ?? Math.max(length, Math.min(Math.max(bitsOf(family) - 8, length + 4), longest));
}

/** CIDR of the block of a Subnet that one of its addresses lies in. */
export function blockCidrOf(address: string, subnet: Pick<SubnetSpec, "cidr" | "blockSize">): string {
  return formatCidr(cidrOf(parseAddress(address), blockLengthOf(subnet)));
}

/** Whether it is a block of one: an address that is retained, asked for by name, or borrowed. */
export function isBlockOfOne(cidr: Cidr): boolean {
  return cidr.length === bitsOf(cidr.family);
}

/** Addresses that have a block of one among these. */
export function routedAlone(blocks: readonly { readonly spec: { readonly cidr: string } }[]): string[] {
  return blocks.flatMap(({ spec }) => (isBlockOfOne(parseCidr(spec.cidr)) ? [addressPart(spec.cidr)] : []));
}

/**
 * Whether addresses of the Subnet may be issued from a block. Subnets that share a CIDR may share one. Of a block that is
 * larger than any may be, as one can have come past admission, nothing is.
 */
export function isBlockOf(block: Cidr, subnet: Pick<SubnetSpec, "cidr" | "range">): boolean {
  if (sizeOf(block) > MOST_ADDRESSES) return false;
  return contains(parseCidr(subnet.cidr), block) && spansOverlap(spanOfSubnet(subnet), spanOfCidr(block));
}

/**
 * The lowest block of a Subnet that nobody owns; undefined when there is none. At the ends of a range it may reach beyond
 * it, so that the range strands nothing.
 * @param owned blocks of more than one address, of all nodes
 */
export function lowestFreeBlockOf(
  subnet: Pick<SubnetSpec, "cidr" | "range" | "blockSize">,
  owned: readonly Cidr[],
): string | undefined {
  const range = spanOfSubnet(subnet);
  const length = blockLengthOf(subnet);
  const taken = owned.map(spanOfCidr).toSorted((a, b) => (a.first < b.first ? -1 : 1));
  for (let block = cidrOf({ family: range.family, value: range.first }, length), at = 0; ;) {
    const span = spanOfCidr(block);
    if (span.first > range.last) return undefined;
    while (isBefore(taken[at], span)) at += 1;
    const next = taken[at];
    if (next === undefined || !spansOverlap(next, span)) return formatCidr(block);
    block = { ...block, first: span.last + 1n };
  }
}

function isBefore(one: Span | undefined, other: Span): boolean {
  return one !== undefined && (one.family !== other.family || one.last < other.first);
}
