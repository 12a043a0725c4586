import type { LeaseStore } from "../platform/lease.ts";
import type { HubMemory } from "./memory.ts";

/** Stands for "nothing is there" where a past is remembered; no store has such a revision. */
const NOTHING = "nothing";

/**
 * Leases whose terms never go back, though the store that keeps them be lost or restored: members believe no head of an
 * older epoch, and the epoch is the term. Each term that was read or is about to be written is remembered first.
 */
export function lastingTerms(store: LeaseStore, memory: Pick<HubMemory, "term" | "raiseTerm">): LeaseStore {
  return {
    readLease: async (name) => {
      const present = await store.readLease(name);
      await memory.raiseTerm(present?.record.term ?? 0);
      const { term } = memory;
      if (present !== undefined) return { ...present, record: { ...present.record, term } };
      return term === 0 ? undefined : { record: { holder: "", term, renewals: 0 }, revision: NOTHING };
    },
    writeLease: async (name, record, revision) => {
      await memory.raiseTerm(record.term);
      return store.writeLease(name, record, revision === NOTHING ? undefined : revision);
    },
  };
}
