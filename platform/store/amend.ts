import { hasCode, MeshError } from "../errors.ts";
import type { ResourceKind, ResourceStore, StoredObject } from "./port.ts";

/**
 * Runs `write` again as long as another writer was faster; it has to read what it changes each time. The store's
 * compare-and-swap is over whole objects: a change of spec loses to a write of status, too.
 */
export async function retryOnConflict<T>(write: () => Promise<T>): Promise<T> {
  for (;;) {
    try {
      return await write();
    } catch (error) {
      if (!hasCode(error, "conflict") && !hasCode(error, "already-exists")) throw error;
    }
  }
}

/**
 * Changes the status of an object that others write too: `change` sees the present object and runs again when another
 * writer was faster. Returning the same status is no write.
 * @throws MeshError `not-found`
 */
export async function amendStatus<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  name: string,
  change: (present: T) => T["status"],
): Promise<T> {
  return retryOnConflict(async () => {
    const present = await store.get(kind, name);
    if (present === undefined) throw new MeshError("not-found", `there is no ${kind.kind} "${name}"`, { retry: false });
    return store.updateStatus(kind, { ...present, status: change(present) });
  });
}

/**
 * Deletes an object; false when there was none any more.
 * @throws MeshError `conflict` (retry) when it is another than the precondition says
 */
export async function deleteIfThere<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  name: string,
  precondition?: { readonly resourceVersion: string },
): Promise<boolean> {
  try {
    await store.delete(kind, name, precondition);
    return true;
  } catch (error) {
    if (hasCode(error, "not-found")) return false;
    throw error;
  }
}

/** Deletes the very state of an object that was judged; false when it is another by now, or gone. */
export async function deleteUnchanged<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  { metadata }: T,
): Promise<boolean> {
  try {
    return await deleteIfThere(store, kind, metadata.name, metadata);
  } catch (error) {
    if (hasCode(error, "conflict")) return false;
    throw error;
  }
}
