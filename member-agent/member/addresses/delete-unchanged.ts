import { hasCode } from "../../../platform/errors.ts";
import type { ResourceKind, ResourceStore, StoredObject } from "../../../platform/store/port.ts";

/** Deletes the very state of an object that was judged. @returns false when it is another by now, or gone */
export async function deleteUnchanged<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  { metadata }: T,
): Promise<boolean> {
  try {
    await store.delete(kind, metadata.name, metadata);
    return true;
  } catch (error) {
    if (hasCode(error, "conflict") || hasCode(error, "not-found")) return false;
    throw error;
  }
}
