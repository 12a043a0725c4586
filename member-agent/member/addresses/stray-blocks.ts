import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { addressPart, contains, parseCidr } from "../../../mesh/cidr.ts";
import { isBlockOfOne } from "../../../mesh/ipam/blocks.ts";
import { soundSubnets } from "../../../mesh/ipam/checks.ts";
import { objectNameOfAddress } from "../../../mesh/names.ts";
import type { IPBlock } from "../../../mesh/resources.ts";
import { deleteUnchanged } from "../../../platform/store/amend.ts";
import type { ResourceStore } from "../../../platform/store/port.ts";
import type { AddressLevel } from "./level.ts";

/** Pure: blocks of one, inside Subnets, of addresses that nobody has; who made them was cut short. */
export function strayBlocks({ blocks, subnets, instances }: AddressLevel): readonly IPBlock[] {
  const ranges = soundSubnets(subnets).map(({ spec }) => parseCidr(spec.cidr));
  const used = new Set(instances.map(({ spec }) => spec.address));
  return blocks.filter(({ spec }) => {
    if (spec.purpose !== "Pods" || used.has(addressPart(spec.cidr))) return false;
    const cidr = parseCidr(spec.cidr);
    return isBlockOfOne(cidr) && ranges.some((range) => contains(range, cidr));
  });
}

/**
 * Takes away those that have been stray for a while. A retained address, or one by name, is claimed before its block is
 * made, so one that somebody claims at this moment is seen. A borrowed one is claimed when its owner has answered, within
 * seconds: a block that has been stray for a minute is no borrower's any more.
 */
export async function sweepBlocks(store: ResourceStore, strays: readonly IPBlock[]): Promise<void> {
  for (const block of strays) {
    const name = objectNameOfAddress(addressPart(block.spec.cidr));
    if ((await store.get(ipInstanceKind, name)) === undefined) await deleteUnchanged(store, ipBlockKind, block);
  }
}
