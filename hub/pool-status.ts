import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { parseCidr } from "../mesh/cidr.ts";
import { countBlocks } from "../mesh/pool-allocation.ts";
import type { CIDRPool, LedgerSpec } from "../mesh/resources.ts";
import type { ResourceStore } from "../platform/store/port.ts";

/** Writes into each pool's status what the ledger says of it; writing what is there is no write. */
export async function countPools(store: ResourceStore, pools: readonly CIDRPool[], ledger: LedgerSpec): Promise<void> {
  const occupied = ledger.rows.map((row) => parseCidr(row.prefix));
  for (const pool of pools) {
    const counts = countBlocks(parseCidr(pool.spec.cidr), occupied, pool.spec.clusterPrefixLength);
    await store.updateStatus(cidrPoolKind, { ...pool, status: { ...counts, conditions: [] } });
  }
}
