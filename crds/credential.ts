import { z } from "zod";
import type { Credential, CredentialSpec } from "../mesh/resources.ts";
import { membershipRefusals } from "../mesh/validation-member.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";

/** Also how the agent keeps its copy on disk. */
const credentialSpec = z.object({
  mesh: z.string(),
  cluster: z.string(),
  natsURLs: z.array(z.string()),
  ca: z.string(),
  hubKey: z.string(),
  userSeed: z.string(),
  userJWT: z.string().optional(),
  renewJWT: z.string().optional(),
  signingSeed: z.string(),
  tokenID: z.string(),
}) satisfies z.ZodType<CredentialSpec>;

const status = z.object({}) satisfies z.ZodType<Record<string, never>>;

/** One object, `mesh`, in a member's embedded store (on Kubernetes it is a Secret). */
export const credentialKind: KindDefinition<Credential> = defineKind({
  kind: "Credential",
  plural: "credentials",
  spec: credentialSpec,
  status,
  refusals: membershipRefusals,
});
