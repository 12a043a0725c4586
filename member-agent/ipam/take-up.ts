import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { addressInCidr, addressPart, parseAddress, parseCidr } from "../../mesh/cidr.ts";
import { isBlockOfOne } from "../../mesh/ipam/blocks.ts";
import type { AddressStock } from "./stock.ts";

/**
 * Begins to issue from a block that the store says is this node's, once what others have of it is held: its owner before
 * this one may have retained or lent some, and they stay whose they are. The store is asked, for what is watched may be
 * older than the claim: whoever took an address by name while the block was nobody's relies on being seen here.
 * @throws MeshError of the store or the journal (retry): nothing is issued from it
 */
export async function takeUpBlock(stock: AddressStock, cidr: string): Promise<void> {
  const addresses = (await stock.requireStore().list(ipInstanceKind)).map(({ spec }) => spec.address);
  const foreign = foreignOf(stock, [...addresses, ...lentBy(stock)], [cidr]);
  if (foreign.length > 0) await stock.book.hold(foreign);
  await stock.book.takeUp([cidr]);
  stock.own(cidr);
}

/**
 * Writes down that an address of an own block, which is marked as in use, is others'.
 * @throws MeshError `journal-failed` (retry): it is marked no more, for nobody would ever give it back
 */
export async function holdMarked({ book, blocks, claiming }: AddressStock, address: string): Promise<void> {
  try {
    await book.hold([address]);
  } catch (error) {
    if (!claiming.has(address) && !book.bindings.has(address)) blocks.release(address);
    throw error;
  }
}

/** Of these addresses, those inside the blocks that this node has not given to anybody, nor is about to. */
export function foreignOf(
  { book, claiming }: AddressStock,
  addresses: readonly string[],
  cidrs: readonly string[],
): string[] {
  const blocks = cidrs.map(parseCidr);
  const foreign = addresses.filter((address) => {
    if (book.bindings.has(address) || book.held.has(address) || claiming.has(address)) return false;
    return blocks.some((block) => addressInCidr(block, parseAddress(address)));
  });
  return [...new Set(foreign)];
}

/** Addresses that other nodes have blocks of one for: who borrowed one may be about to claim it. */
export function lentBy({ level, node }: AddressStock): string[] {
  const ones = level.blocks.filter(({ spec }) => spec.purpose === "Pods" && spec.node !== node);
  return ones.flatMap(({ spec }) => (isBlockOfOne(parseCidr(spec.cidr)) ? [addressPart(spec.cidr)] : []));
}
