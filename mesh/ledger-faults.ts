import { compareCidrs, contains, formatCidr } from "./cidr.ts";
import type { Claim } from "./claims.ts";
import { claimsIn, clash } from "./claims.ts";
import { HIGHEST_NUMBER } from "./ledger.ts";
import type { LedgerSpec } from "./resources.ts";

/**
 * What must never be in a ledger, in so many words: overlapping ranges, a number twice, a row of a cluster without a
 * number. The last guard before a write, whoever made it.
 */
export function ledgerFaults(ledger: LedgerSpec): string[] {
  const clusters = new Set(ledger.numbers.map(({ cluster }) => cluster));
  const numbers = new Set(ledger.numbers.map(({ number }) => number));
  return [
    ...clashesIn(claimsIn(ledger)).map(([a, b]) => `${told(a)} overlaps ${told(b)}`),
    ...(clusters.size < ledger.numbers.length ? ["a cluster has two numbers"] : []),
    ...(numbers.size < ledger.numbers.length ? ["two clusters have one number"] : []),
    ...ledger.numbers
      .filter(({ number }) => !Number.isInteger(number) || number < 1 || number > HIGHEST_NUMBER)
      .map(
        ({ cluster, number }) =>
          `cluster "${cluster}" has the number ${number}, which is not between 1 and ${HIGHEST_NUMBER}`,
      ),
    ...ledger.rows
      .filter((row) => !clusters.has(row.cluster))
      .map((row) => `${row.prefix} belongs to cluster "${row.cluster}", which has no number`),
  ];
}

/** One walk in order of address: of the ranges before it, only those that contain a range can overlap it. */
function clashesIn(claims: readonly Claim[]): [Claim, Claim][] {
  const found: [Claim, Claim][] = [];
  let around: Claim[] = [];
  for (const each of claims.toSorted((a, b) => compareCidrs(a.cidr, b.cidr))) {
    around = around.filter(({ cidr }) => contains(cidr, each.cidr));
    found.push(...around.filter((outer) => clash(outer, each)).map((outer): [Claim, Claim] => [each, outer]));
    around.push(each);
  }
  return found;
}

function told({ cidr, row }: Claim): string {
  return `${formatCidr(cidr)} (${row.use}) of cluster "${row.cluster}"`;
}
