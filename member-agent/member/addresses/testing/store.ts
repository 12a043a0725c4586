import { memberKinds } from "../../../../crds/kinds.ts";
import { deleteIfThere } from "../../../../platform/store/amend.ts";
import type { ResourceKind, ResourceStore, StoredObject } from "../../../../platform/store/port.ts";
import { unguardAddresses } from "../guard.ts";

const KINDS: readonly ResourceKind<StoredObject>[] = memberKinds;

/** Leaves nothing of a test to the next one. */
export async function emptyStore(store: ResourceStore): Promise<void> {
  await unguardAddresses(store);
  for (const kind of KINDS) {
    for (const { metadata } of await store.list(kind)) await deleteIfThere(store, kind, metadata.name);
  }
}
