import { hasCode } from "../platform/errors.ts";
import { amendStatus } from "../platform/store/amend.ts";
import type { ResourceKind, ResourceStore, StoredObject } from "../platform/store/port.ts";

/** As `amendStatus`, of an object that may have gone meanwhile: then there is nothing to say of it. */
export async function amendStatusIfThere<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  name: string,
  change: (present: T) => T["status"],
): Promise<void> {
  await amendStatus(store, kind, name, change).catch((error: unknown) => {
    if (!hasCode(error, "not-found")) throw error;
  });
}
