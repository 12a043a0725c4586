import { z } from "zod";
import { EMPTY_LEDGER } from "../mesh/ledger.ts";
import { SINGLETON_NAME } from "../mesh/names.ts";
import { poolOverlap } from "../mesh/pools.ts";
import type { CIDRPool, CIDRPoolSpec, CIDRPoolStatus } from "../mesh/resources.ts";
import { cidrPoolRefusals } from "../mesh/validation-hub.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { ledgerKind } from "./ledger.ts";
import { cidr, conditions, purpose } from "./metadata.ts";

const spec = z.object({
  cidr,
  clusterPrefixLength: z.int(),
  purpose: purpose.default("Pods"),
}) satisfies z.ZodType<CIDRPoolSpec>;

const status = z.object({
  total: z.int().default(0),
  allocated: z.int().default(0),
  free: z.int().default(0),
  conditions,
}) satisfies z.ZodType<CIDRPoolStatus>;

/** A new pool overlaps neither another one nor anybody's range. */
export const cidrPoolKind: KindDefinition<CIDRPool> = defineKind({
  kind: "CIDRPool",
  plural: "cidrpools",
  spec,
  status,
  refusals: cidrPoolRefusals,
  immutable: ["cidr", "purpose"],
  async among(pool, previous, peers) {
    if (previous !== undefined) {
      return undefined; // Its range is what it was, and may hold what a cluster declared meanwhile.
    }
    const [pools, ledger] = await Promise.all([peers.list(cidrPoolKind), peers.get(ledgerKind, SINGLETON_NAME)]);
    return poolOverlap(pool, pools, ledger?.spec ?? EMPTY_LEDGER);
  },
});
