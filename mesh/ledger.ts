import type { AdmissionRequest, ReadRequest } from "./admission-request.ts";
import { readRequest } from "./admission-request.ts";
import { addressInCidr, compareCidrs, parseAddress } from "./cidr.ts";
import type { Claim } from "./claims.ts";
import { claim, claimsIn, overlapRefusal, rowsOf } from "./claims.ts";
import type { BlockWish, NamedPool } from "./pools.ts";
import { cutBlock, poolsFor } from "./pools.ts";
import type { Checked, Refusal } from "./refusal.ts";
import { refuse } from "./refusal.ts";
import type { LedgerRow, LedgerSpec, LedgerUse } from "./resources.ts";

/**
 * Who owns which prefix and which number. Whoever writes a changed ledger does so by compare-and-swap, or asks again.
 */

/** The ledger of a new mesh. */
export const EMPTY_LEDGER: LedgerSpec = { rows: [], numbers: [] };

/** Cluster numbers run from 1 to this: they have 16 bits in nexthop group ids and MACs. */
export const HIGHEST_NUMBER = 65_535;

/** What a cluster was given. */
export interface Admission {
  /** The very object that was handed in, when nothing had to change. */
  readonly ledger: LedgerSpec;
  readonly number: number;
  /** Canonical text, IPv4 first. */
  readonly podCIDRs: readonly string[];
  /** Canonical text, IPv4 first. */
  readonly meshPrefixes: readonly string[];
}

/**
 * Enters a cluster, or what one already entered asks anew. Number, pod CIDRs and mesh prefixes stay once given (pod
 * CIDRs only grow); announced and local ranges become those of the request. Declared ranges need lie in no pool; when
 * none is declared, each family without a pod CIDR gets a block of the first Pods pool by name that has room. Each
 * family that has a Mesh pool gets a mesh prefix.
 */
export function admitCluster(
  ledger: LedgerSpec,
  pools: readonly NamedPool[],
  asked: AdmissionRequest,
): Checked<Admission> {
  const { value: request, refusal } = readRequest(asked);
  if (refusal) {
    return { refusal };
  }
  const { cluster } = request;
  const number = numberOf(cluster, ledger) ?? lowestFreeNumber(ledger);
  if (number === undefined) {
    return refuse("numbers-exhausted", `cluster "${cluster}" gets no number: all ${HIGHEST_NUMBER} are taken`);
  }
  const named = withNamed(ledger, request);
  if (named.refusal) {
    return named;
  }
  const claims = [...named.value];
  for (const wish of wishes(request, pools, claims)) {
    const occupied = claims.map(({ cidr }) => cidr);
    const { value: block, refusal: none } = cutBlock(wish, pools, occupied);
    if (none) {
      return refuse(none.code, `cluster "${cluster}" gets no block: ${none.message}`);
    }
    claims.push(claim(cluster, wish.purpose === "Pods" ? "assigned" : "mesh", block.cidr, block.pool));
  }
  return {
    value: {
      ledger: withClaims(ledger, claims, cluster, number),
      number,
      podCIDRs: prefixesOf(podsOf(cluster, claims)),
      meshPrefixes: prefixesOf(meshOf(cluster, claims)),
    },
  };
}

/**
 * Why a cluster can't have the ranges it names (`cidr-overlap`, `bad-cidr`, …), whatever the hub would assign to it: the
 * part of {@link admitCluster} that can be said of a Cluster's spec.
 */
export function rangesRefusal(
  ledger: LedgerSpec,
  cluster: string,
  ranges: Pick<AdmissionRequest, "podCIDRs" | "allowedCIDRs" | "localCIDRs">,
): Refusal | undefined {
  const { podCIDRs, allowedCIDRs, localCIDRs } = ranges;
  const request = readRequest({ cluster, podCIDRs, allowedCIDRs, localCIDRs, families: [4] });
  return request.refusal ?? withNamed(ledger, request.value).refusal;
}

/** The ledger without a cluster: its number and prefixes are free. The very same object when it had none. */
export function releaseCluster(ledger: LedgerSpec, cluster: string): LedgerSpec {
  const rows = ledger.rows.filter((row) => row.cluster !== cluster);
  const numbers = ledger.numbers.filter((each) => each.cluster !== cluster);
  return rows.length === ledger.rows.length && numbers.length === ledger.numbers.length ? ledger : { rows, numbers };
}

/**
 * The row an address falls into: the one cluster's that may announce it, else the first site's that has it locally.
 * @throws RangeError when `address` is none
 */
export function ownerOf(ledger: LedgerSpec, address: string): LedgerRow | undefined {
  const asked = parseAddress(address);
  const hits = claimsIn(ledger).filter(({ cidr }) => addressInCidr(cidr, asked));
  return (hits.find(({ row }) => row.use !== "local") ?? hits[0])?.row;
}

/** All claims there are once the cluster has what it names itself. */
function withNamed(ledger: LedgerSpec, request: ReadRequest): Checked<readonly Claim[]> {
  const { cluster } = request;
  const claims = claimsIn(ledger).filter(({ row }) => row.cluster !== cluster || isKept(row.use));
  const pods = new Set(podsOf(cluster, claims).map(({ row }) => row.prefix));
  for (const named of namedClaims(request)) {
    if (isPods(named.row.use) && pods.has(named.row.prefix)) {
      continue;
    }
    const refusal = overlapRefusal(named, claims);
    if (refusal) {
      return { refusal };
    }
    claims.push(named);
  }
  return { value: claims };
}

/** What the cluster names itself, rather than leaving it to the hub. */
function namedClaims({ cluster, declared, announced, local }: ReadRequest): Claim[] {
  return [
    ...declared.map((cidr) => claim(cluster, "declared", cidr)),
    ...announced.map((cidr) => claim(cluster, "announced", cidr)),
    ...local.map((cidr) => claim(cluster, "local", cidr)),
  ];
}

/** The blocks it still lacks. */
function wishes(request: ReadRequest, pools: readonly NamedPool[], claims: readonly Claim[]): BlockWish[] {
  const { cluster, families, prefixLength } = request;
  const pods = podsOf(cluster, claims);
  const mesh = meshOf(cluster, claims);
  return [
    ...families
      .filter((family) => !pods.some(({ cidr }) => cidr.family === family))
      .map((family) => ({ purpose: "Pods", family, length: prefixLength }) as const),
    ...([4, 6] as const)
      .filter((family) => !mesh.some(({ cidr }) => cidr.family === family))
      .map((family) => ({ purpose: "Mesh", family }) as const)
      .filter((wish) => poolsFor(wish, pools).length > 0),
  ];
}

function withClaims(ledger: LedgerSpec, claims: readonly Claim[], cluster: string, number: number): LedgerSpec {
  const rows = rowsOf(claims);
  const isKnown = numberOf(cluster, ledger) !== undefined;
  if (isKnown && rows.length === ledger.rows.length && rows.every((row, n) => isSameRow(row, ledger.rows[n]))) {
    return ledger;
  }
  const numbers = isKnown
    ? ledger.numbers
    : [...ledger.numbers, { cluster, number }].toSorted((a, b) => a.number - b.number);
  return { rows, numbers };
}

function numberOf(cluster: string, ledger: LedgerSpec): number | undefined {
  return ledger.numbers.find((each) => each.cluster === cluster)?.number;
}

function lowestFreeNumber(ledger: LedgerSpec): number | undefined {
  const taken = new Set(ledger.numbers.map(({ number }) => number));
  let number = 1;
  while (taken.has(number)) {
    number += 1;
  }
  return number <= HIGHEST_NUMBER ? number : undefined;
}

function podsOf(cluster: string, claims: readonly Claim[]): Claim[] {
  return claims.filter(({ row }) => row.cluster === cluster && isPods(row.use));
}

function meshOf(cluster: string, claims: readonly Claim[]): Claim[] {
  return claims.filter(({ row }) => row.cluster === cluster && row.use === "mesh");
}

function prefixesOf(claims: readonly Claim[]): string[] {
  return claims.toSorted((a, b) => compareCidrs(a.cidr, b.cidr)).map(({ row }) => row.prefix);
}

function isPods(use: LedgerUse): boolean {
  return use === "assigned" || use === "declared";
}

function isKept(use: LedgerUse): boolean {
  return isPods(use) || use === "mesh";
}

function isSameRow(a: LedgerRow, b: LedgerRow | undefined): boolean {
  return a.prefix === b?.prefix && a.cluster === b.cluster && a.use === b.use && a.pool === b.pool;
}
