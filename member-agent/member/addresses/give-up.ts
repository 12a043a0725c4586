import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { deleteIfThere } from "../../../platform/store/amend.ts";
import type { ResourceStore } from "../../../platform/store/port.ts";
import { unguardAddresses } from "./guard.ts";

/**
 * What a member that has left does about addresses, once no node has any: nothing is in use, nothing is guarded any more, and the overlay goes, for its ranges are somebody else's from now on. Underlays are of the LAN, and stay.
 */
export async function giveUpAddresses(store: ResourceStore): Promise<void> {
  for (const { metadata } of await store.list(ipInstanceKind))
    await deleteIfThere(store, ipInstanceKind, metadata.name);
  await unguardAddresses(store);
  const overlays = (await store.list(networkKind)).filter(({ spec }) => spec.type === "Overlay");
  const names = new Set(overlays.map(({ metadata }) => metadata.name));
  for (const { metadata, spec } of await store.list(subnetKind)) {
    if (names.has(spec.network)) await deleteIfThere(store, subnetKind, metadata.name);
  }
  for (const name of names) await deleteIfThere(store, networkKind, name);
}
