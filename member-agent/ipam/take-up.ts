import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { addressInCidr, parseAddress, parseCidr } from "../../mesh/cidr.ts";
import { routedAlone } from "../../mesh/ipam/blocks.ts";
import type { IPInstance } from "../../mesh/ipam/resources.ts";
import type { AddressStock } from "./stock.ts";

/**
 * Begins to issue from a block that the store says is this node's, once what others have of it is held: its owner before
 * this one may have retained or lent some, and they stay whose they are. The store is asked, for what is watched may be
 * older than the claim: whoever took an address by name while the block was nobody's relies on being seen here.
 * @throws MeshError of the store or the journal (retry): nothing is issued from it
 */
export async function takeUpBlock(stock: AddressStock, cidr: string): Promise<void> {
  await holdForeign(stock, await stock.requireStore().list(ipInstanceKind), [cidr]);
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

/**
 * Holds what others have of blocks of this node, or may be about to claim: who borrowed one has a block of one for it.
 * @param instances of all nodes
 * @throws MeshError `journal-failed` (retry)
 */
export async function holdForeign(
  stock: AddressStock,
  instances: Iterable<IPInstance>,
  cidrs: readonly string[],
): Promise<void> {
  const { book, blocks, claiming, level, node } = stock;
  const lent = level.blocks.filter(({ spec }) => spec.purpose === "Pods" && spec.node !== node);
  const known = [...instances].map(({ spec }) => spec.address);
  const own = cidrs.map(parseCidr);
  const foreign = [...new Set([...known, ...routedAlone(lent)])].filter((address) => {
    if (book.bindings.has(address) || book.held.has(address) || claiming.has(address)) return false;
    return own.some((block) => addressInCidr(block, parseAddress(address)));
  });
  if (foreign.length === 0) return;
  await book.hold(foreign);
  for (const address of foreign) blocks.claim(address);
}
