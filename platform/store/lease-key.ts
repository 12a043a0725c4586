import { z } from "zod";
import type { LeaseStore } from "../lease.ts";
import type { Bucket } from "./bucket.ts";

const leaseRecord = z.object({ holder: z.string(), term: z.int(), renewals: z.int() });

/** Leases as keys of a bucket, beside the objects; the revision is the sequence. */
export function bucketLeases(bucket: Bucket): LeaseStore {
  // No plural of a kind starts with a dash.
  const keyOf = (name: string): string => `-leases.${name}`;
  return {
    readLease: async (name) => {
      const entry = await bucket.get(keyOf(name));
      if (entry?.value === undefined) return undefined;
      return { record: leaseRecord.parse(JSON.parse(entry.value)), revision: String(entry.sequence) };
    },
    writeLease: async (name, record, revision) =>
      String(await bucket.put(keyOf(name), JSON.stringify(record), Number(revision ?? 0))),
  };
}
