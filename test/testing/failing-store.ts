import { MeshError } from "../../platform/errors.ts";
import type { ResourceStore } from "../../platform/store/port.ts";

/** A store whose `nth` write (from 1) fails once: before it was done, or done with its answer lost. */
export function failingStore(
  store: ResourceStore,
  nth: number,
  when: "before" | "after",
): ResourceStore & { readonly failed: () => boolean } {
  let writes = 0;
  const write = async <T>(work: () => Promise<T>): Promise<T> => {
    writes += 1;
    const fails = writes === nth;
    if (fails && when === "before") throw cut();
    const value = await work();
    if (fails) throw cut();
    return value;
  };
  return {
    get: store.get,
    list: store.list,
    watch: store.watch,
    create: (kind, draft) => write(() => store.create(kind, draft)),
    update: (kind, object) => write(() => store.update(kind, object)),
    updateStatus: (kind, object) => write(() => store.updateStatus(kind, object)),
    delete: (kind, name, precondition) => write(() => store.delete(kind, name, precondition)),
    failed: () => writes >= nth,
  };
}

function cut(): MeshError {
  return new MeshError("store-unreachable", "cut by the test", { retry: true });
}
