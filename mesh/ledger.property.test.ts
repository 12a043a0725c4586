import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { AdmissionRequest } from "./admission-request.ts";
import { contains, formatCidr, parseCidr } from "./cidr.ts";
import { admitCluster, EMPTY_LEDGER, releaseCluster } from "./ledger.ts";
import { ledgerFaults } from "./ledger-faults.ts";
import type { LedgerSpec } from "./resources.ts";
import { cidrsNear } from "./testing/arbitraries.ts";
import { pool, request } from "./testing/objects.ts";

/** Small, so that they run out. */
const POOLS = [
  pool("a", "10.0.0.0/22", 24),
  pool("b", "10.0.8.0/22", 25),
  pool("c", "fd00::/62", 64),
  pool("m", "10.0.12.0/22", 24, "Mesh"),
];

const ranges = fc.array(cidrsNear(parseCidr("10.0.0.0/22")).map(formatCidr), { maxLength: 2 });
const admissions: fc.Arbitrary<AdmissionRequest> = fc.record(
  {
    cluster: fc.constantFrom("a", "b", "c", "d", "e", "f"),
    podCIDRs: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: ranges }),
    families: fc.subarray([4, 6] as const, { minLength: 1 }),
    prefixLength: fc.integer({ min: 21, max: 27 }),
    allowedCIDRs: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: ranges }),
    localCIDRs: fc.oneof({ weight: 3, arbitrary: fc.constant([]) }, { weight: 1, arbitrary: ranges }),
  },
  { requiredKeys: ["cluster", "podCIDRs", "families", "allowedCIDRs", "localCIDRs"] },
);
type Step = { readonly admit: AdmissionRequest } | { readonly release: string };
const steps: fc.Arbitrary<Step[]> = fc.array(
  fc.oneof(
    { weight: 4, arbitrary: fc.record({ admit: admissions }) },
    { weight: 1, arbitrary: fc.record({ release: fc.constantFrom("a", "b", "c", "d", "e", "f") }) },
  ),
  { maxLength: 25, size: "max" },
);

test("whatever joins and leaves, no ranges overlap, numbers are unique and sticky, and a refusal changes nothing", () => {
  let refused = 0;
  let admitted = 0;
  const run = (ledger: LedgerSpec, step: Step): LedgerSpec => {
    if ("release" in step) {
      return releaseCluster(ledger, step.release);
    }
    const { value, refusal } = admitCluster(ledger, POOLS, step.admit);
    refused += refusal ? 1 : 0;
    admitted += refusal ? 0 : 1;
    return value?.ledger ?? ledger;
  };
  fc.assert(
    fc.property(steps, (all) => {
      let ledger = EMPTY_LEDGER;
      for (const step of all) {
        const next = run(ledger, step);
        expect(ledgerFaults(next)).toEqual([]);
        const leaving = "release" in step ? step.release : undefined;
        const stay = ledger.numbers.filter(({ cluster }) => cluster !== leaving);
        expect(next.numbers).toEqual(expect.arrayContaining(stay));
        const kept = ledger.rows.filter(
          ({ cluster, use }) => cluster !== leaving && use !== "announced" && use !== "local",
        );
        expect(next.rows).toEqual(expect.arrayContaining(kept));
        ledger = next;
      }
    }),
    { numRuns: 200 },
  );
  expect(Math.min(refused, admitted)).toBeGreaterThan(100);
});

test("what is admitted is admitted again to the same, without a change", () => {
  fc.assert(
    fc.property(fc.array(admissions, { maxLength: 6 }), admissions, (before, asked) => {
      const start = before.reduce(
        (ledger, each) => admitCluster(ledger, POOLS, each).value?.ledger ?? ledger,
        EMPTY_LEDGER,
      );
      const { value } = admitCluster(start, POOLS, asked);
      const again = value && admitCluster(value.ledger, POOLS, asked).value;
      expect(again).toEqual(value);
      expect(again?.ledger).toBe(value?.ledger);
    }),
  );
});

test("blocks lie in their pools until these are exhausted, which is then said", () => {
  let ledger = EMPTY_LEDGER;
  const codes: (string | undefined)[] = [];
  for (let n = 0; n < 6; n++) {
    const { value, refusal } = admitCluster(ledger, POOLS.slice(0, 1), request(`c${n}`));
    ledger = value?.ledger ?? ledger;
    codes.push(refusal?.code);
  }
  expect(codes).toEqual([undefined, undefined, undefined, undefined, "pool-exhausted", "pool-exhausted"]);
  expect(ledger.rows.every(({ prefix }) => contains(parseCidr("10.0.0.0/22"), parseCidr(prefix)))).toBe(true);
});
