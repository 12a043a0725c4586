import { z } from "zod";
import type { Ledger, LedgerRow, LedgerSpec } from "../mesh/resources.ts";
import { ledgerRefusals } from "../mesh/validation-hub.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { cidr } from "./metadata.ts";

const row = z.object({
  prefix: cidr,
  cluster: z.string(),
  use: z.enum(["assigned", "declared", "announced", "local", "mesh"]),
  pool: z.string().optional(),
}) satisfies z.ZodType<LedgerRow>;

const spec = z.object({
  rows: z.array(row).default([]),
  numbers: z.array(z.object({ cluster: z.string(), number: z.int() })).default([]),
}) satisfies z.ZodType<LedgerSpec>;

const status = z.object({}) satisfies z.ZodType<Record<string, never>>;

/** One object, `mesh`, at the hub. */
export const ledgerKind: KindDefinition<Ledger> = defineKind({
  kind: "Ledger",
  plural: "ledgers",
  spec,
  status,
  refusals: ledgerRefusals,
});
