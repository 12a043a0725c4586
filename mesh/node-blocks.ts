import type { Cidr } from "./cidr.ts";
import { formatCidr, parseCidr } from "./cidr.ts";
import { firstFreeBlock } from "./pool-allocation.ts";

/**
 * Length of the blocks that nodes claim from a pod CIDR: 256 addresses, as a /24 or a /120; of a CIDR too small to
 * give sixteen of those, a sixteenth, so that a small cluster still has blocks for several nodes.
 */
export function nodeBlockLength(podCIDR: Cidr): number {
  return podCIDR.family === 4
    ? Math.min(32, Math.max(24, podCIDR.length + 4))
    : Math.min(128, Math.max(120, podCIDR.length + 4));
}

/**
 * The lowest block of a pod CIDR that touches none of `taken` (CIDRs). Undefined when there is none.
 * @param length prefix length; {@link nodeBlockLength} unless given
 */
export function lowestFreeBlock(podCIDR: string, taken: readonly string[], length?: number): string | undefined {
  const range = parseCidr(podCIDR);
  const block = firstFreeBlock(range, taken.map(parseCidr), length ?? nodeBlockLength(range));
  return block && formatCidr(block);
}
