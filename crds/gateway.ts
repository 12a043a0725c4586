import { z } from "zod";
import type { Gateway, GatewaySpec, GatewayStatus } from "../mesh/resources.ts";
import { gatewayRefusals } from "../mesh/validation-member.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { pairStatus, revision } from "./wire/report.ts";

const spec = z.object({ node: z.string(), rank: z.int() }) satisfies z.ZodType<GatewaySpec>;

const status = z.object({
  publicKey: z.string().optional(),
  endpoints: z.array(z.string()).default([]),
  behindNAT: z.boolean().default(false),
  basePort: z.int().optional(),
  appliedRevision: revision.optional(),
  peers: z.array(pairStatus).default([]),
}) satisfies z.ZodType<GatewayStatus>;

/** Named `rank-<r>`, so that creating it claims the rank. */
export const gatewayKind: KindDefinition<Gateway> = defineKind({
  kind: "Gateway",
  plural: "gateways",
  spec,
  status,
  refusals: gatewayRefusals,
  immutable: ["node", "rank"],
});
