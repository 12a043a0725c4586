import { z } from "zod";
import type { Membership, MembershipSpec, MembershipStatus } from "../mesh/resources.ts";
import { membershipRefusals } from "../mesh/validation-member.ts";
import type { KindDefinition } from "./kind.ts";
import { defineKind } from "./kind.ts";
import { cidrs } from "./metadata.ts";
import { revision } from "./wire/report.ts";

const spec = z.object({
  mesh: z.string(),
  cluster: z.string(),
  phase: z.enum(["Joining", "Joined", "Left"]),
  localCIDRs: cidrs.default([]),
}) satisfies z.ZodType<MembershipSpec>;

const status = z.object({
  number: z.int().optional(),
  podCIDRs: cidrs,
  announcedCIDRs: cidrs,
  meshPrefixes: cidrs,
  revision: revision.optional(),
}) satisfies z.ZodType<MembershipStatus>;

/** One object, `mesh`, in a member's store. */
export const membershipKind: KindDefinition<Membership> = defineKind({
  kind: "Membership",
  plural: "memberships",
  spec,
  status,
  refusals: membershipRefusals,
});
