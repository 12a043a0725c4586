import { z } from "zod";
import type { PairStatus } from "../../mesh/resources.ts";
import { gatewayRecord } from "./view.ts";

/** What a gateway tells the hub, signed with its member's key, on a change and every 15 s. */

export const revision = z.object({ epoch: z.int(), generation: z.int() });

export const pairStatus = z.object({
  from: z.string(),
  to: z.string(),
  tunnel: z.enum(["WireGuard", "VXLAN"]),
  state: z.enum(["Up", "Degraded", "Doubtful", "Unreachable", "Pending"]),
  reason: z.string(),
  message: z.string(),
  since: z.string(),
  rttMs: z.number().optional(),
  loss: z.number().optional(),
  pathMTU: z.int().optional(),
}) satisfies z.ZodType<PairStatus>;

export const report = z.object({
  /** All gateways of the member as its store knows them: any of them may speak for the member. */
  gateways: z.array(gatewayRecord),
  applied: revision.optional(),
  pairs: z.array(pairStatus),
});
export type Report = z.infer<typeof report>;
