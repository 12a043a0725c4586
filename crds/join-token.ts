import { z } from "zod";
import type { JoinToken, JoinTokenSpec, JoinTokenStatus } from "../mesh/resources.ts";
import { joinTokenRefusals } from "../mesh/validation-hub.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { cidrs } from "./metadata.ts";

const spec = z.object({
  cluster: z.string(),
  podCIDRs: cidrs,
  expiresAt: z.string(),
  publicKey: z.string(),
}) satisfies z.ZodType<JoinTokenSpec>;

const status = z.object({
  usedBy: z.string().optional(),
  usedAt: z.string().optional(),
}) satisfies z.ZodType<JoinTokenStatus>;

/** What it allows is fixed once the token is printed. */
export const joinTokenKind: KindDefinition<JoinToken> = defineKind({
  kind: "JoinToken",
  plural: "jointokens",
  spec,
  status,
  refusals: joinTokenRefusals,
  immutable: ["cluster", "podCIDRs", "expiresAt", "publicKey"],
});
