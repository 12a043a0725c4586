import { isDeepStrictEqual } from "node:util";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { parseAddress } from "../../mesh/cidr.ts";
import { blockCidrOf } from "../../mesh/ipam/blocks.ts";
import type { Subnet } from "../../mesh/ipam/resources.ts";
import { addressInSpan, parseSpan } from "../../mesh/ipam/span.ts";
import { reachingInto, reservedBy, withheldRefusal } from "../../mesh/ipam/withheld.ts";
import { objectNameOfCidr } from "../../mesh/names.ts";
import { hasCode, MeshError } from "../../platform/errors.ts";
import { retryOnConflict } from "../../platform/store/amend.ts";
import type { AddressStock } from "./stock.ts";
import { holdForeign } from "./take-up.ts";

/** Reserved addresses: what an owner says of those in its blocks, and what who wants one by name waits for. */

/**
 * Says in the store what of its blocks this node withholds. That is on disk before, so that a restart on an older state
 * of the Subnets honours it; and what pods have of it is in the store before, so that nobody takes it from them.
 * @throws MeshError of the store or the journal (retry)
 */
export async function sayWithheld(stock: AddressStock): Promise<void> {
  const { book, level } = stock;
  const reserved = reservedBy(stock.subnetsOf("Overlay"));
  if (reserved.some((range) => !book.withheld.includes(range))) {
    await book.withhold([...new Set([...book.withheld, ...reserved])]);
    // Subnets may have changed meanwhile, and what is to be said has to be so.
    stock.followBook();
  }
  for (const { spec, status } of level.blocks) {
    if (!stock.owned.includes(spec.cidr)) continue;
    const next = (said: readonly string[]): string[] =>
      reachingInto(spec.cidr, reserved).filter((range) => said.includes(range) || isKnown(stock, range));
    if (!isDeepStrictEqual(next(status.withheld ?? []), status.withheld ?? [])) await say(stock, spec.cidr, next);
  }
}

/** What may be said of a block that this node is about to claim. */
export function withheldOf(stock: AddressStock, cidr: string): string[] {
  const { withheld } = stock.book;
  const reserved = reservedBy(stock.subnetsOf("Overlay")).filter((range) => withheld.includes(range));
  return reachingInto(cidr, reserved).filter((range) => isKnown(stock, range));
}

/**
 * Issues again what is reserved no more. Nobody may count on it by then: first the store says that it is not withheld,
 * then what was had by name until that moment is held for whoever has it.
 * @throws MeshError of the store or the journal (retry)
 */
export async function issueAgain(stock: AddressStock): Promise<void> {
  const { book } = stock;
  const reserved = reservedBy(stock.subnetsOf("Overlay"));
  const outdated = stock.withheld.filter((range) => !reserved.includes(range));
  if (outdated.length === 0) return;
  for (const cidr of stock.owned) {
    // Of what the store does not call this node's somebody else will have to say something.
    if (!(await say(stock, cidr, (said) => said.filter((range) => !outdated.includes(range))))) return;
  }
  await holdForeign(stock, await stock.requireStore().list(ipInstanceKind), stock.owned);
  await book.withhold(book.withheld.filter((range) => !outdated.includes(range)));
  stock.followBook();
}

/**
 * Asks of a reserved address whether whoever owns its block withholds it.
 * @throws MeshError `not-withheld` (retry); of the store
 */
export async function requireWithheld(stock: AddressStock, address: string, { spec }: Subnet): Promise<void> {
  const name = objectNameOfCidr(blockCidrOf(address, spec));
  const refusal = withheldRefusal(address, await stock.requireStore().get(ipBlockKind, name), stock.node);
  if (refusal !== undefined) throw new MeshError(refusal.code, refusal.message, { retry: true });
}

/** Changes what is said of a block. @returns false when it is not this node's, as the store says */
function say(
  stock: AddressStock,
  cidr: string,
  change: (said: readonly string[]) => readonly string[],
): Promise<boolean> {
  const store = stock.requireStore();
  return retryOnConflict(async () => {
    const present = await store.get(ipBlockKind, objectNameOfCidr(cidr));
    if (present?.spec.node !== stock.node) return false;
    const withheld = change(present.status.withheld ?? []);
    try {
      await store.updateStatus(ipBlockKind, { ...present, status: { ...present.status, withheld } });
      return true;
    } catch (error) {
      if (hasCode(error, "not-found")) return false;
      throw error;
    }
  });
}

/** Whether the store says whose all addresses of a range are that pods here have, or are about to have. */
function isKnown({ book, claiming, index, node }: AddressStock, range: string): boolean {
  const span = parseSpan(range);
  const isInside = (address: string): boolean => addressInSpan(span, parseAddress(address));
  const isSaid = (address: string, sandbox: string): boolean => {
    const spec = index.at(address)?.spec;
    return spec?.node === node && spec.attachment?.sandbox === sandbox;
  };
  return (
    ![...claiming].some(isInside) &&
    [...book.bindings.values()].every(
      ({ address, attachment }) => !isInside(address) || isSaid(address, attachment.sandbox),
    )
  );
}
