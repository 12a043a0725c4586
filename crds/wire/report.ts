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
  /**
   * The gateway that speaks, and, where it leads, all others as the member's store knows them. Empty: it can't say, because
   * it has not read the store, or finds no membership there.
   */
  gateways: z.array(gatewayRecord),
  /** Whether it is the member controller: what it does not list is gone, once it is silent itself. */
  leads: z.boolean().default(false),
  applied: revision.optional(),
  pairs: z.array(pairStatus),
});
export type Report = z.infer<typeof report>;
