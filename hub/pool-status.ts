import { cidrPoolKind } from "../crds/cidr-pool.ts";
import { poolCounts } from "../mesh/pools.ts";
import type { CIDRPool, LedgerSpec } from "../mesh/resources.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { amendStatusIfThere } from "./amend.ts";

/** Writes into each pool's status what the ledger says of it; writing what is there is no write. */
export async function countPools(store: ResourceStore, pools: readonly CIDRPool[], ledger: LedgerSpec): Promise<void> {
  for (const { metadata } of pools) {
    await amendStatusIfThere(store, cidrPoolKind, metadata.name, ({ spec, status }) => ({
      ...status,
      ...poolCounts(spec, ledger),
    }));
  }
}
