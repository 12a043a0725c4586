import { networkKind } from "../../crds/network.ts";
import { DEFAULT_NETWORK } from "../../mesh/ipam/network-choice.ts";
import type { Network } from "../../mesh/ipam/resources.ts";
import { retryOnConflict } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { isMarkedDefault } from "../kinds/network.ts";
import { objectNamed } from "../show.ts";

/**
 * Makes one Network the default and all others not. Marked first: while two are, a pod that chooses none is refused and
 * comes again, where without any it would get an address of the overlay and keep it.
 * @throws MeshError `not-found`, naming those there are
 */
export async function makeDefault(store: ResourceStore, name: string): Promise<Network> {
  const made = await mark(store, name, true);
  await unmarkOthers(store, name);
  return made;
}

/** Takes the mark off every Network but this one. */
export async function unmarkOthers(store: ResourceStore, name: string): Promise<void> {
  for (const other of await store.list(networkKind)) {
    if (other.metadata.name !== name && isMarkedDefault(other)) await mark(store, other.metadata.name, false);
  }
}

async function mark(store: ResourceStore, name: string, isDefault: boolean): Promise<Network> {
  return retryOnConflict(async () => {
    const network = await objectNamed(store, networkKind, name);
    const { [DEFAULT_NETWORK]: _, ...others } = network.metadata.annotations;
    const annotations = isDefault ? { ...others, [DEFAULT_NETWORK]: "true" } : others;
    return store.update(networkKind, { ...network, metadata: { ...network.metadata, annotations } });
  });
}
