import { MeshError } from "../errors.ts";
import type { LeaseRecord, LeaseStore } from "../lease.ts";

/** Leases in memory, with compare-and-swap as a real store does it. */
export function memoryLeases(): LeaseStore & { lose(name: string): void } {
  const kept = new Map<string, { readonly record: LeaseRecord; readonly revision: string }>();
  let writes = 0;
  return {
    readLease: async (name) => kept.get(name),
    writeLease: async (name, record, revision) => {
      if (kept.get(name)?.revision !== revision)
        throw new MeshError("conflict", `${name} was changed`, { retry: true });
      writes += 1;
      kept.set(name, { record, revision: String(writes) });
      return String(writes);
    },
    lose: (name) => void kept.delete(name),
  };
}
