import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { claimsIn, clash } from "./claims.ts";
import { EMPTY_LEDGER } from "./ledger.ts";
import { ledgerFaults } from "./ledger-faults.ts";
import type { LedgerRow } from "./resources.ts";
import { cidrs } from "./testing/arbitraries.ts";
import { formatCidr } from "./cidr.ts";

const row = (prefix: string, cluster: string, use: LedgerRow["use"] = "assigned"): LedgerRow => ({
  prefix,
  cluster,
  use,
});
const numbers = [
  { cluster: "east", number: 1 },
  { cluster: "west", number: 2 },
];

test.each<[string, readonly LedgerRow[], readonly { cluster: string; number: number }[], string[]]>([
  ["nothing", [], numbers, []],
  ["neighbours", [row("10.0.0.0/16", "east"), row("10.1.0.0/16", "west")], numbers, []],
  ["the same LAN twice", [row("10.0.0.0/16", "east", "local"), row("10.0.0.0/16", "west", "local")], numbers, []],
  [
    "a range inside another's, not beside it",
    [row("10.0.3.0/24", "west"), row("10.0.0.0/16", "east"), row("10.0.2.0/24", "east", "local")],
    numbers,
    [
      '10.0.2.0/24 (local) of cluster "east" overlaps 10.0.0.0/16 (assigned) of cluster "east"',
      '10.0.3.0/24 (assigned) of cluster "west" overlaps 10.0.0.0/16 (assigned) of cluster "east"',
    ],
  ],
  ["a number twice", [], [...numbers, { cluster: "north", number: 2 }], ["two clusters have one number"]],
  ["a cluster twice", [], [...numbers, { cluster: "east", number: 3 }], ["a cluster has two numbers"]],
  [
    "number 0",
    [],
    [{ cluster: "east", number: 0 }],
    ['cluster "east" has the number 0, which is not between 1 and 65535'],
  ],
  [
    "a number of 17 bits",
    [],
    [{ cluster: "east", number: 65_536 }],
    ['cluster "east" has the number 65536, which is not between 1 and 65535'],
  ],
  [
    "an unknown owner",
    [row("10.0.0.0/16", "north")],
    numbers,
    ['10.0.0.0/16 belongs to cluster "north", which has no number'],
  ],
])("a ledger with %s", (_, rows, its, faults) => {
  expect(ledgerFaults({ ...EMPTY_LEDGER, rows, numbers: its })).toEqual(faults);
});

test("every overlapping pair is found", () => {
  const rows = fc.array(
    fc.record({
      prefix: cidrs().map(formatCidr),
      cluster: fc.constantFrom("east", "west"),
      use: fc.constantFrom("assigned", "announced", "local"),
    }),
    { maxLength: 12 },
  );
  fc.assert(
    fc.property(rows, (all) => {
      const claims = claimsIn({ rows: all, numbers });
      const pairs = claims.flatMap((a, n) => claims.slice(n + 1).filter((b) => clash(a, b)));
      expect(ledgerFaults({ rows: all, numbers })).toHaveLength(pairs.length);
    }),
  );
});
