import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { subnetInUse } from "../../../mesh/ipam/among.ts";
import type { Subnet } from "../../../mesh/ipam/resources.ts";
import { hasCode } from "../../../platform/errors.ts";
import { retryOnConflict } from "../../../platform/store/amend.ts";
import type { ResourceStore } from "../../../platform/store/port.ts";
import type { AddressLevel } from "./level.ts";

/** Keeps a Subnet that is to be deleted until none of its addresses is in use; nothing is issued from it meanwhile. */
export const ADDRESSES_IN_USE = "trestle.dev/addresses-in-use";

/** Pure: the finalizers that a Subnet should have. Nobody may add one to what is being deleted. */
export function guardedFinalizers({ metadata }: Subnet, isInUse: boolean): readonly string[] {
  const { finalizers, deletionTimestamp } = metadata;
  if (deletionTimestamp !== undefined) return isInUse ? finalizers : withoutGuard(finalizers);
  return finalizers.includes(ADDRESSES_IN_USE) ? finalizers : [...finalizers, ADDRESSES_IN_USE];
}

/** Holds each Subnet until it may go, see {@link ADDRESSES_IN_USE}. */
export async function guardSubnets(
  store: ResourceStore,
  { subnets, instances }: Pick<AddressLevel, "subnets" | "instances">,
): Promise<void> {
  const used = new Set(instances.map(({ spec }) => spec.subnet));
  for (const subnet of subnets) {
    const wanted = guardedFinalizers(subnet, used.has(subnet.metadata.name));
    if (wanted.length === subnet.metadata.finalizers.length) continue;
    await amendFinalizers(store, subnet.metadata.name, async (present) => {
      // What is known of addresses may lag behind, so they are read before the last guard goes.
      const isDying = present.metadata.deletionTimestamp !== undefined;
      const there = isDying ? await store.list(ipInstanceKind) : [];
      return guardedFinalizers(present, subnetInUse(present, there) !== undefined);
    });
  }
}

/** Lets them all go: in a member that has left there is nobody who would. */
export async function unguardSubnets(store: ResourceStore): Promise<void> {
  for (const { metadata } of await store.list(subnetKind)) {
    await amendFinalizers(store, metadata.name, (present) => withoutGuard(present.metadata.finalizers));
  }
}

function withoutGuard(finalizers: readonly string[]): readonly string[] {
  return finalizers.filter((each) => each !== ADDRESSES_IN_USE);
}

async function amendFinalizers(
  store: ResourceStore,
  name: string,
  change: (present: Subnet) => readonly string[] | Promise<readonly string[]>,
): Promise<void> {
  await retryOnConflict(async () => {
    const present = await store.get(subnetKind, name);
    if (present === undefined) return;
    const finalizers = await change(present);
    await store.update(subnetKind, { ...present, metadata: { ...present.metadata, finalizers } });
  }).catch((error: unknown) => {
    if (!hasCode(error, "not-found")) throw error;
  });
}
