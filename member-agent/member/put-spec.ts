import { retryOnConflict } from "../../platform/store/amend.ts";
import type { ResourceKind, ResourceStore, StoredObject } from "../../platform/store/port.ts";

/**
 * Creates an object or changes its spec. `change` sees what is there and runs again when another writer was faster: an
 * agent that writes a status at that moment must not make a join or a leave fail halfway.
 */
export async function putSpec<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  name: string,
  change: (present: T["spec"] | undefined) => T["spec"],
): Promise<void> {
  await retryOnConflict(async () => {
    const present = await store.get(kind, name);
    if (present === undefined) await store.create(kind, { metadata: { name }, spec: change(undefined) });
    else await store.update(kind, { ...present, spec: change(present.spec) });
  });
}
