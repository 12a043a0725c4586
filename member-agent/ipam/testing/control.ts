import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import type { OwnerReference } from "../../../mesh/ipam/resources.ts";
import type { ResourceStore } from "../../../platform/store/port.ts";
import { releaseRetained } from "../../member/addresses/retained.ts";
import { strayBlocks, sweepBlocks } from "../../member/addresses/stray-blocks.ts";
import type { ModelSlot } from "./model-pods.ts";

/** What the member controller does for a model: its own parts, called when a test wants. */

/** Frees what deleted sets kept. @throws MeshError of the store */
export async function releaseKept(store: ResourceStore, slots: readonly ModelSlot[]): Promise<void> {
  const directory = {
    find: async (_: string, name: string) => slots.find((slot) => slot.name === name)?.pod?.facts,
    ownerExists: async (_: string, owner: OwnerReference) => slots.some((slot) => slot.owner?.uid === owner.uid),
  };
  await releaseRetained(store, directory, await store.list(ipInstanceKind));
}

/** Takes blocks of one away that have been nobody's for a while, which only a test that waits knows. */
export async function sweepStrays(store: ResourceStore): Promise<void> {
  const [subnets, instances, blocks] = await Promise.all([
    store.list(subnetKind),
    store.list(ipInstanceKind),
    store.list(ipBlockKind),
  ]);
  await sweepBlocks(store, strayBlocks({ membership: undefined, networks: [], subnets, instances, blocks, nodes: [] }));
}
