import type { Cidr } from "./cidr.ts";
import { compareCidrs, formatCidr, overlaps, parseCidr } from "./cidr.ts";
import type { Refusal } from "./refusal.ts";
import type { LedgerRow, LedgerSpec, LedgerUse } from "./resources.ts";

/** A range somebody has or wants: a row of the ledger and its prefix, read. */
export interface Claim {
  readonly cidr: Cidr;
  readonly row: LedgerRow;
}

export function claim(cluster: string, use: LedgerUse, cidr: Cidr, pool?: string): Claim {
  return { cidr, row: { prefix: formatCidr(cidr), cluster, use, ...(pool === undefined ? {} : { pool }) } };
}

export function claimsIn(ledger: LedgerSpec): Claim[] {
  return ledger.rows.map((row) => ({ cidr: parseCidr(row.prefix), row }));
}

/** Their rows in order of prefix: then the ledger reads well, and sorting it again costs little. */
export function rowsOf(claims: readonly Claim[]): LedgerRow[] {
  return claims
    .toSorted((a, b) => compareCidrs(a.cidr, b.cidr) || compareText(a.row.cluster, b.row.cluster))
    .map(({ row }) => row);
}

/**
 * True when two ranges overlap and must not. Allowed are local ranges of any two clusters (sites often have the same
 * LAN, and neither is announced), and an announced part of the cluster's own LAN (how underlay pods are reached).
 */
export function clash(a: Claim, b: Claim): boolean {
  return overlaps(a.cidr, b.cidr) && !areLocal(a, b) && !isCarved(a, b) && !isCarved(b, a);
}

/** Why `wanted` can't be had beside `present` (`cidr-overlap`): whose range it overlaps, and the way out. */
export function overlapRefusal(wanted: Claim, present: readonly Claim[]): Refusal | undefined {
  const held = present.find((other) => clash(wanted, other));
  if (held === undefined) {
    return undefined;
  }
  const { asks, wayOut } = WORDS[wanted.row.use];
  const { prefix, cluster, use } = held.row;
  const whose =
    cluster === wanted.row.cluster
      ? `its own ${prefix} (${use})`
      : `${prefix}${use === "local" ? " on the site" : ""} of cluster "${cluster}"`;
  return {
    code: "cidr-overlap",
    message: `cluster "${wanted.row.cluster}" ${asks} ${wanted.row.prefix}, which overlaps ${whose}; ${wayOut}`,
  };
}

const FOR_PODS = { asks: "asks for", wayOut: "pick another range or leave podCIDRs empty" };
const WORDS: Readonly<Record<LedgerUse, { readonly asks: string; readonly wayOut: string }>> = {
  assigned: FOR_PODS,
  declared: FOR_PODS,
  mesh: FOR_PODS,
  announced: { asks: "wants to announce", wayOut: "pick a range that is free, or leave it out of allowedCIDRs" },
  local: {
    asks: "has on its own site",
    wayOut: "renumber one of the two, or leave it out of localCIDRs if nobody there needs the other",
  },
};

function areLocal(a: Claim, b: Claim): boolean {
  return a.row.use === "local" && b.row.use === "local";
}

function isCarved(part: Claim, lan: Claim): boolean {
  return (
    part.row.use === "announced" &&
    lan.row.use === "local" &&
    part.row.cluster === lan.row.cluster &&
    part.cidr.length > lan.cidr.length
  );
}

function compareText(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}
