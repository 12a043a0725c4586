import { MeshError } from "../platform/errors.ts";
import type { ResourceStore } from "../platform/store/port.ts";

/**
 * The store of a hub that may be paused at any moment: it writes only while `isHeld`, so that what it was about to do
 * when it was stopped is not done when it resumes, perhaps as the second of two.
 * @throws MeshError `lease-lost` (retry) from every write after that
 */
export function fenced(store: ResourceStore, isHeld: () => boolean): ResourceStore {
  const whileHeld = <T>(write: () => Promise<T>): Promise<T> => (isHeld() ? write() : Promise.reject(leaseLost()));
  return {
    get: store.get,
    list: store.list,
    watch: store.watch,
    create: (kind, draft) => whileHeld(() => store.create(kind, draft)),
    update: (kind, object) => whileHeld(() => store.update(kind, object)),
    updateStatus: (kind, object) => whileHeld(() => store.updateStatus(kind, object)),
    delete: (kind, name, precondition) => whileHeld(() => store.delete(kind, name, precondition)),
  };
}

function leaseLost(): MeshError {
  return new MeshError("lease-lost", "this hub is no longer the active one; the one that is will answer: try again", {
    retry: true,
  });
}
