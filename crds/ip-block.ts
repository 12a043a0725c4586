import { z } from "zod";
import type { IPBlock, IPBlockSpec, IPBlockStatus } from "../mesh/resources.ts";
import { ipBlockRefusals } from "../mesh/validation-member.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { address, cidr, purpose } from "./metadata.ts";

const spec = z.object({
  cidr,
  node: z.string(),
  purpose: purpose.default("Pods"),
}) satisfies z.ZodType<IPBlockSpec>;

const status = z.object({
  used: z.int().optional(),
  free: z.int().optional(),
  withheld: z.array(address).optional(),
}) satisfies z.ZodType<IPBlockStatus>;

/** Named by its CIDR, so that creating it claims the range. */
export const ipBlockKind: KindDefinition<IPBlock> = defineKind({
  kind: "IPBlock",
  plural: "ipblocks",
  spec,
  status,
  refusals: ipBlockRefusals,
  immutable: ["cidr", "node", "purpose"],
});
