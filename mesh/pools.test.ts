import { expect, test } from "@jest/globals";
import { poolCounts, poolInUse, poolOverlap } from "./pools.ts";
import type { LedgerSpec } from "./resources.ts";
import { pool } from "./testing/objects.ts";

const LEDGER: LedgerSpec = {
  numbers: [{ cluster: "east", number: 1 }],
  rows: [
    { prefix: "10.0.0.0/16", cluster: "east", use: "assigned", pool: "pods" },
    { prefix: "192.168.1.0/24", cluster: "east", use: "local" },
  ],
};

test.each([
  ["a free range", pool("more", "10.64.0.0/10", 16), undefined],
  ["its own former self and what was cut from it", pool("pods", "10.0.0.0/10", 20), undefined],
  [
    "another pool",
    pool("more", "10.32.0.0/16", 20),
    'pool "more" asks for 10.32.0.0/16, which overlaps 10.0.0.0/10 of pool "pods"; pick a range outside it',
  ],
  [
    "a LAN",
    pool("more", "192.168.0.0/16", 20),
    'pool "more" asks for 192.168.0.0/16, which overlaps 192.168.1.0/24 (local) of cluster "east"; pick a range outside it',
  ],
])("a pool over %s", (_, wanted, message) => {
  const refusal = poolOverlap(wanted, [pool("pods", "10.0.0.0/10", 16)], LEDGER);
  expect(refusal?.message).toBe(message);
});

test("a pool can be deleted when nothing of it is owned", () => {
  expect(poolInUse("more", LEDGER)).toBeUndefined();
  expect(poolInUse("pods", LEDGER)).toEqual({
    code: "in-use",
    message:
      'pool "pods" can\'t be deleted: 1 block of it is in use, 10.0.0.0/16 by cluster "east"; let its clusters leave first',
  });
});

test("a pool is counted with all that lies in its range", () => {
  expect(poolCounts(pool("pods", "10.0.0.0/14", 16).spec, LEDGER)).toEqual({ total: 4, allocated: 1, free: 3 });
  expect(poolCounts(pool("lan", "192.168.0.0/22", 24).spec, LEDGER)).toEqual({ total: 4, allocated: 1, free: 3 });
});
