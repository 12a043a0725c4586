import { ipBlockKind } from "../../crds/ip-block.ts";
import { addressInCidr, bitsOf, familyOf, parseAddress, parseCidr } from "../../mesh/cidr.ts";
import { blockLengthOf, isBlockOf } from "../../mesh/ipam/blocks.ts";
import type { Subnet } from "../../mesh/ipam/resources.ts";
import { selects } from "../../mesh/ipam/selector.ts";
import { hasCode } from "../../platform/errors.ts";
import type { Allocator } from "./allocator.ts";
import { removeBlock } from "./claims.ts";
import type { AddressStock } from "./stock.ts";

/** Blocks of a node: never too few, nor more than it has use for. */

/** Keeps a quarter of a block free of each overlay Subnet that pods on this node may get without naming it. */
export async function claimAhead(stock: AddressStock, allocator: Pick<Allocator, "claimBlock">): Promise<void> {
  if (stock.store === undefined) return;
  for (const subnet of stock.subnetsOf("Overlay")) {
    if (isForAnybody(subnet, stock) && stock.blocks.free(subnet.metadata.name) < blockSizeOf(subnet) / 4) {
      await allocator.claimBlock(subnet);
    }
  }
}

/**
 * Gives blocks back of which nobody has an address: those of no Subnet any more, and those without which there is still
 * enough for a while. Nothing is issued of one before the store says that it is nobody's.
 */
export async function giveBack(stock: AddressStock): Promise<void> {
  const { store, blocks, book } = stock;
  if (store === undefined) return;
  for (const cidr of stock.owned) {
    const { used, free } = blocks.counts().get(cidr) ?? { used: addressesIn(stock, cidr), free: 0 };
    if (used > 0) continue;
    const subnets = stock.subnetsOf("Overlay").filter(({ spec }) => isBlockOf(parseCidr(cidr), spec));
    const isSpare = subnets.every((subnet) => {
      const rest = blocks.free(subnet.metadata.name) - free;
      // More than what would have one claimed again at once.
      return subnet.spec.private || subnet.spec.disabled || rest >= blockSizeOf(subnet) * 0.75;
    });
    if (isSpare) stock.disown(cidr);
  }
  const unsaid = stock.leaving.filter((cidr) => !book.leaving.has(cidr));
  // Before another node may claim them: an agent that starts while the store is silent works on what that said last.
  if (unsaid.length > 0) await book.giveBack(unsaid);
  // Whether an answer that did not come was a yes shows later; until then nothing is issued.
  for (const cidr of stock.leaving) await removeBlock(store, cidr, stock.node);
}

/** Of a block of no Subnet nothing is counted: pods may have outlived theirs. */
function addressesIn({ book }: AddressStock, cidr: string): number {
  const block = parseCidr(cidr);
  const known = [...book.bindings.keys(), ...book.held];
  return known.filter((address) => addressInCidr(block, parseAddress(address))).length;
}

/** Says in the store how full each block is, where that is another than it said last. */
export async function reportCounts({ store, blocks, level, node }: AddressStock): Promise<void> {
  if (store === undefined) return;
  const counts = blocks.counts();
  for (const block of level.blocks) {
    const now = counts.get(block.spec.cidr);
    if (block.spec.node !== node || now === undefined) continue;
    if (now.used === block.status.used && now.free === block.status.free) continue;
    await store.updateStatus(ipBlockKind, { ...block, status: { ...block.status, ...now } }).catch((error: unknown) => {
      // The level is behind: the next pass sees what the block is now.
      if (!hasCode(error, "conflict") && !hasCode(error, "not-found")) throw error;
    });
  }
}

function isForAnybody({ spec, metadata }: Subnet, { level }: AddressStock): boolean {
  const isOpen = !spec.private && !spec.disabled && metadata.deletionTimestamp === undefined;
  return isOpen && selects(spec.nodeSelector, level.node.labels);
}

function blockSizeOf({ spec }: Subnet): number {
  return 2 ** (bitsOf(familyOf(spec.cidr)) - blockLengthOf(spec));
}
