import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { networkInUse, subnetInUse } from "../../../mesh/ipam/in-use.ts";
import type { Network, Subnet } from "../../../mesh/ipam/resources.ts";
import type { Refusal } from "../../../mesh/refusal.ts";
import type { Metadata } from "../../../mesh/resources.ts";
import { hasCode } from "../../../platform/errors.ts";
import { retryOnConflict } from "../../../platform/store/amend.ts";
import type { ResourceKind, ResourceReader, ResourceStore } from "../../../platform/store/port.ts";
import type { AddressLevel } from "./level.ts";

/** What holds objects of a kind that are to be deleted, whoever deletes them. */
interface Guard<T extends Network | Subnet> {
  readonly kind: ResourceKind<T>;
  readonly finalizer: string;
  /** Why one has to stay, as the store says now. */
  readonly refusal: (object: T, store: ResourceReader) => Promise<Refusal | undefined>;
}

/** Keeps a Subnet that is to be deleted until none of its addresses is in use; nothing is issued from it meanwhile. */
export const SUBNET_GUARD: Guard<Subnet> = {
  kind: subnetKind,
  finalizer: "trestle.dev/addresses-in-use",
  refusal: async (subnet, store) => subnetInUse(subnet, await store.list(ipInstanceKind)),
};

/** Keeps a Network that is to be deleted until its last Subnet is gone; no Subnet is added meanwhile. */
export const NETWORK_GUARD: Guard<Network> = {
  kind: networkKind,
  finalizer: "trestle.dev/subnets-in-use",
  refusal: async (network, store) => networkInUse(network, await store.list(subnetKind)),
};

/** Pure: the finalizers that an object should have. Nobody may add one to what is being deleted. */
export function guardedFinalizers(
  { finalizers, deletionTimestamp }: Pick<Metadata, "finalizers" | "deletionTimestamp">,
  guard: string,
  isInUse: boolean,
): readonly string[] {
  if (deletionTimestamp !== undefined) return isInUse ? finalizers : without(finalizers, guard);
  return finalizers.includes(guard) ? finalizers : [...finalizers, guard];
}

/** Holds each Subnet and each Network until it may go. */
export async function guardAddresses(
  store: ResourceStore,
  { networks, subnets, instances }: Pick<AddressLevel, "networks" | "subnets" | "instances">,
): Promise<void> {
  await guardAll(store, SUBNET_GUARD, subnets, new Set(instances.map(({ spec }) => spec.subnet)));
  await guardAll(store, NETWORK_GUARD, networks, new Set(subnets.map(({ spec }) => spec.network)));
}

/** Lets them all go: in a member that has left there is nobody who would. */
export async function unguardAddresses(store: ResourceStore): Promise<void> {
  await unguardAll(store, SUBNET_GUARD);
  await unguardAll(store, NETWORK_GUARD);
}

/** @param used names of those that are in use, as far as is known */
async function guardAll<T extends Network | Subnet>(
  store: ResourceStore,
  { kind, finalizer, refusal }: Guard<T>,
  objects: readonly T[],
  used: ReadonlySet<string>,
): Promise<void> {
  for (const { metadata } of objects) {
    const wanted = guardedFinalizers(metadata, finalizer, used.has(metadata.name));
    if (wanted.length === metadata.finalizers.length) continue;
    await amendFinalizers(store, kind, metadata.name, async (present) => {
      // What is known of its use may lag behind, so the store is asked before the last guard goes.
      const isDying = present.metadata.deletionTimestamp !== undefined;
      const isInUse = isDying && (await refusal(present, store)) !== undefined;
      return guardedFinalizers(present.metadata, finalizer, isInUse);
    });
  }
}

async function unguardAll<T extends Network | Subnet>(
  store: ResourceStore,
  { kind, finalizer }: Guard<T>,
): Promise<void> {
  for (const { metadata } of await store.list(kind)) {
    await amendFinalizers(store, kind, metadata.name, (present) => without(present.metadata.finalizers, finalizer));
  }
}

function without(finalizers: readonly string[], guard: string): readonly string[] {
  return finalizers.filter((each) => each !== guard);
}

async function amendFinalizers<T extends Network | Subnet>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  name: string,
  change: (present: T) => readonly string[] | Promise<readonly string[]>,
): Promise<void> {
  await retryOnConflict(async () => {
    const present = await store.get(kind, name);
    if (present === undefined) return;
    const finalizers = await change(present);
    await store.update(kind, { ...present, metadata: { ...present.metadata, finalizers } });
  }).catch((error: unknown) => {
    if (!hasCode(error, "not-found")) throw error;
  });
}
