import type { Cidr } from "./cidr.ts";
import { overlaps, parseCidr } from "./cidr.ts";
import { claimsIn } from "./claims.ts";
import type { BlockCounts } from "./pool-allocation.ts";
import { allocateBlock, countBlocks } from "./pool-allocation.ts";
import type { Checked, Refusal } from "./refusal.ts";
import { refuse } from "./refusal.ts";
import type { CIDRPool, CIDRPoolSpec, Family, LedgerSpec } from "./resources.ts";

/** A CIDRPool that may not be stored yet. */
export type NamedPool = { readonly metadata: Pick<CIDRPool["metadata"], "name">; readonly spec: CIDRPoolSpec };

/** Which block is wanted; without `length` each pool's own. */
export interface BlockWish {
  readonly purpose: CIDRPoolSpec["purpose"];
  readonly family: Family;
  readonly length?: number | undefined;
}

/** The pools a wish can be met from, first by name. */
export function poolsFor({ purpose, family }: Omit<BlockWish, "length">, pools: readonly NamedPool[]): NamedPool[] {
  return pools
    .filter((pool) => pool.spec.purpose === purpose && parseCidr(pool.spec.cidr).family === family)
    .toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
}

/**
 * A free block from the first pool, by name, that has one, and that pool's name. Refusals say which pools were tried.
 */
export function cutBlock(
  wish: BlockWish,
  pools: readonly NamedPool[],
  occupied: readonly Cidr[],
): Checked<{ readonly cidr: Cidr; readonly pool: string }> {
  const candidates = poolsFor(wish, pools);
  for (const { metadata, spec } of candidates) {
    const cidr = allocateBlock(parseCidr(spec.cidr), occupied, wish.length ?? spec.clusterPrefixLength);
    if (cidr !== undefined) {
      return { value: { cidr, pool: metadata.name } };
    }
  }
  const what = `${wish.purpose} pool of IPv${wish.family}`;
  if (candidates.length === 0) {
    return refuse("pool-exhausted", `there is no ${what}; create one with "trestle pool create"`);
  }
  const { length } = wish;
  const tried = candidates.map(({ metadata, spec }) => `"${metadata.name}" (${spec.cidr})`).join(", ");
  if (length !== undefined && candidates.every(({ spec }) => parseCidr(spec.cidr).length > length)) {
    return refuse("prefix-too-short", `a /${length} is more than any ${what} holds: ${tried}; ask for a longer prefix`);
  }
  const block = length === undefined ? "a block" : `a /${length}`;
  return refuse(
    "pool-exhausted",
    `no ${what} has room for ${block}: ${tried}; create another pool${wish.purpose === "Pods" ? ", ask for a longer prefix" : ""} or let an unused cluster leave`,
  );
}

/**
 * Why this pool can't be made (`cidr-overlap`): it overlaps another pool, or a range that somebody has otherwise. A
 * pool's former self and what was cut from it are no obstacle.
 */
export function poolOverlap(pool: NamedPool, others: readonly NamedPool[], ledger: LedgerSpec): Refusal | undefined {
  const { name } = pool.metadata;
  const cidr = parseCidr(pool.spec.cidr);
  const asks = `pool "${name}" asks for ${pool.spec.cidr}, which overlaps`;
  const other = others.find((each) => each.metadata.name !== name && overlaps(parseCidr(each.spec.cidr), cidr));
  if (other !== undefined) {
    const message = `${asks} ${other.spec.cidr} of pool "${other.metadata.name}"; pick a range outside it`;
    return { code: "cidr-overlap", message };
  }
  const held = claimsIn(ledger).find((each) => each.row.pool !== name && overlaps(each.cidr, cidr));
  return (
    held && {
      code: "cidr-overlap",
      message: `${asks} ${held.row.prefix} (${held.row.use}) of cluster "${held.row.cluster}"; pick a range outside it`,
    }
  );
}

/** Why this pool can't be deleted (`in-use`): clusters own blocks of it. */
export function poolInUse(pool: string, ledger: LedgerSpec): Refusal | undefined {
  const rows = ledger.rows.filter((row) => row.pool === pool);
  const [first] = rows;
  return (
    first && {
      code: "in-use",
      message: `pool "${pool}" can't be deleted: ${rows.length} ${rows.length === 1 ? "block of it is" : "blocks of it are"} in use, ${first.prefix} by cluster "${first.cluster}"; let its clusters leave first`,
    }
  );
}

/** What a pool's status says: whatever is in its range counts, cut from it or not. */
export function poolCounts({ cidr, clusterPrefixLength }: CIDRPoolSpec, ledger: LedgerSpec): BlockCounts {
  const occupied = claimsIn(ledger).map((each) => each.cidr);
  return countBlocks(parseCidr(cidr), occupied, clusterPrefixLength);
}
