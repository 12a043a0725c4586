import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { addressPart, formatAddress, hostCidr, parseCidr } from "../../mesh/cidr.ts";
import type { Cidr } from "../../mesh/cidr.ts";
import { isBlockOf, isBlockOfOne, routedAlone } from "../../mesh/ipam/blocks.ts";
import type { Subnet } from "../../mesh/ipam/resources.ts";
import { spanOfCidr } from "../../mesh/ipam/span.ts";
import { supplyOf } from "../../mesh/ipam/supply.ts";
import type { Supply } from "../../mesh/ipam/supply.ts";
import { objectNameOfAddress, objectNameOfCidr } from "../../mesh/names.ts";
import type { IPBlock } from "../../mesh/resources.ts";
import type { Pace } from "../../platform/clock.ts";
import { hasCode } from "../../platform/errors.ts";
import { deleteIfThere } from "../../platform/store/amend.ts";
import { createBlock } from "./claims.ts";
import type { AddressStock } from "./stock.ts";
import { holdMarked } from "./take-up.ts";

/**
 * A node that finds every block of a Subnet owned borrows single addresses. It asks for one by claiming a block of one
 * inside another node's block; the owner, who alone knows what it has given away, holds the address and counts it as used
 * in that block's status, or deletes it.
 */

/** How long an owner may take to answer: one that is down never does. */
const ANSWER_MS = 2_000;
const LOOK_EVERY_MS = 25;
/** Addresses that are asked for of one owner before the next is. */
const ATTEMPTS = 32;
/** How long whoever refused, was silent, or has nothing that looks free is not asked again. */
const PATIENCE_MS = 10_000;

/**
 * An address of another node's block that is this node's now, by a block of one; undefined when none is to be had. One
 * is asked for at a time: many who ask at once would all want the same.
 */
export function borrowAddress(stock: AddressStock, subnet: Subnet, pace: Pace): Promise<string | undefined> {
  return stock.borrowing.take(subnet.metadata.name, () => borrow(stock, subnet, pace));
}

async function borrow(stock: AddressStock, subnet: Subnet, pace: Pace): Promise<string | undefined> {
  const store = stock.requireStore();
  const owned = foreignBlocks(stock, subnet);
  if (owned.length === 0) return undefined;
  const supply = supplyOf(subnet.spec);
  const now = pace.clock.monotonic();
  for (const [key, untilMs] of stock.denied) if (untilMs <= now) stock.denied.delete(key);
  const deny = (key: string): unknown => stock.denied.set(key, pace.clock.monotonic() + PATIENCE_MS);
  const lent = new Set(routedAlone(stock.level.blocks));
  for (const { cidr, node } of owned) {
    if (stock.denied.has(node) || stock.denied.has(cidr)) continue;
    const found = candidates(parseCidr(cidr), stock, { lent, supply });
    if (found.length === 0) deny(cidr);
    for (const address of found) {
      const one = hostCidr(address);
      deny(address);
      try {
        await createBlock(store, one, stock.node);
      } catch (error) {
        if (hasCode(error, "already-exists")) continue;
        throw error;
      }
      const answer = await answerOf(stock, one, pace);
      if (answer === "lent") return address;
      if (answer === "refused") continue;
      deny(node);
      await deleteIfThere(store, ipBlockKind, objectNameOfCidr(one));
      break;
    }
  }
  return undefined;
}

/** Answers all who ask for addresses of this node's blocks. @throws MeshError of the store or the journal (retry) */
export async function lend(stock: AddressStock): Promise<void> {
  for (const block of stock.level.blocks) {
    const { cidr, node, purpose } = block.spec;
    const isAsked = purpose === "Pods" && node !== stock.node && block.status.used === undefined;
    if (!isAsked || !isBlockOfOne(parseCidr(cidr)) || !stock.blocks.includes(addressPart(cidr))) continue;
    await answer(stock, block);
  }
}

async function answer(stock: AddressStock, block: IPBlock): Promise<void> {
  const { book, blocks } = stock;
  const store = stock.requireStore();
  const address = addressPart(block.spec.cidr);
  if (book.bindings.has(address)) {
    // Either its pod has moved, and the store says so, or it is not to be had.
    const present = await store.get(ipInstanceKind, objectNameOfAddress(address));
    const isMoved = present !== undefined && present.spec.node !== stock.node;
    if (!isMoved) await deleteIfThere(store, ipBlockKind, block.metadata.name);
    return;
  }
  if (blocks.claim(address)) await holdMarked(stock, address);
  if (!book.held.has(address)) return;
  await store.updateStatus(ipBlockKind, { ...block, status: { used: 1, free: 0 } }).catch((error: unknown) => {
    if (!hasCode(error, "conflict") && !hasCode(error, "not-found")) throw error;
  });
}

async function answerOf(
  { store }: AddressStock,
  cidr: string,
  { clock, signal }: Pace,
): Promise<"lent" | "refused" | "silent"> {
  const deadline = clock.monotonic() + ANSWER_MS;
  while (clock.monotonic() < deadline && !signal.aborted) {
    const present = await store?.get(ipBlockKind, objectNameOfCidr(cidr));
    if (present === undefined) return "refused";
    if (present.status.used === 1) return "lent";
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
  return "silent";
}

/** Those with most free first, as their owners last said; not those of which they said that nothing is. */
function foreignBlocks({ level, node }: AddressStock, subnet: Subnet): IPBlock["spec"][] {
  return level.blocks
    .filter(({ spec, status }) => spec.purpose === "Pods" && spec.node !== node && status.free !== 0)
    .filter(({ spec }) => !isBlockOfOne(parseCidr(spec.cidr)) && isBlockOf(parseCidr(spec.cidr), subnet.spec))
    .toSorted((a, b) => (b.status.free ?? 0) - (a.status.free ?? 0))
    .map(({ spec }) => spec);
}

/** What looks free in a block, from its end, for its owner begins at its start. */
function candidates(
  block: Cidr,
  { index, denied }: AddressStock,
  { lent, supply }: { readonly lent: ReadonlySet<string>; readonly supply: Supply },
): string[] {
  const span = spanOfCidr(block);
  const found: string[] = [];
  for (let value = span.last; value >= span.first && found.length < ATTEMPTS; value -= 1n) {
    if (!supply.isFree(Number(value - supply.span.first))) continue;
    const address = formatAddress({ family: block.family, value });
    const isTaken = lent.has(address) || denied.has(address) || index.at(address) !== undefined;
    if (!isTaken) found.push(address);
  }
  return found;
}
