import { z } from "zod";
import { pairStatus, revision } from "./report.ts";

/** What the CLI asks a hub besides reading and writing its store: NATS requests in the HUB account, JSON both ways. */

export const createTokenRequest = z.object({
  cluster: z.string(),
  podCIDRs: z.array(z.string()),
  ttlSeconds: z.int().positive(),
});
export type CreateTokenRequest = z.infer<typeof createTokenRequest>;
/** `token` is the one string that `trestle join` takes; the hub keeps no copy. */
export const createTokenAnswer = z.object({ name: z.string(), token: z.string(), expiresAt: z.string() });
export type CreateTokenAnswer = z.infer<typeof createTokenAnswer>;

export const statusAnswer = z.object({
  hub: z.object({ connected: z.boolean(), since: z.string() }),
  clusters: z.array(
    z.object({
      name: z.string(),
      number: z.int().optional(),
      podCIDRs: z.array(z.string()),
      desired: revision.optional(),
      applied: revision.optional(),
      lastSeen: z.string().optional(),
    }),
  ),
  pairs: z.array(pairStatus),
});
export type StatusAnswer = z.infer<typeof statusAnswer>;

export const traceRequest = z.object({ from: z.string(), to: z.string() });
export type TraceRequest = z.infer<typeof traceRequest>;
/** From the first hop to the one that stops the packet, or to the far side. */
export const traceAnswer = z.object({
  reachable: z.boolean(),
  hops: z.array(z.object({ check: z.string(), ok: z.boolean(), detail: z.string(), remedy: z.string().optional() })),
});
export type TraceAnswer = z.infer<typeof traceAnswer>;
