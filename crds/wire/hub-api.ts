import { z } from "zod";
import { pairStatus, revision } from "./report.ts";

/**
 * What the CLI asks a hub besides reading and writing its store: NATS requests in the HUB account, JSON both ways, each
 * answer wrapped by `answerOf` (join.ts). Subjects and types of all of them: {@link hubCalls}, below.
 */

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

/** The token's JoinToken is deleted and its join-only user revoked, whether it was used or not; the member it made stays. */
const revokeTokenRequest = z.object({ name: z.string() });

/**
 * Takes a cluster out of the mesh: its number and prefixes are free again, its credential is revoked. Without `force`
 * the hub refuses (`in-use`, naming the links) while a ClusterLink joins it to another cluster.
 */
const deleteClusterRequest = z.object({ cluster: z.string(), force: z.boolean() });

const done = z.object({});

/** One thing the hub can be asked: where, with what, and what comes back inside `answerOf`. */
export interface HubCall<Request extends z.ZodType, Answer extends z.ZodType> {
  readonly subject: string;
  readonly request: Request;
  readonly answer: Answer;
}

/** Subjects are in the HUB account; the active hub alone subscribes to them. */
export const hubCalls = {
  createToken: { subject: "hub.api.token.create", request: createTokenRequest, answer: createTokenAnswer },
  revokeToken: { subject: "hub.api.token.revoke", request: revokeTokenRequest, answer: done },
  deleteCluster: { subject: "hub.api.cluster.delete", request: deleteClusterRequest, answer: done },
  status: { subject: "hub.api.status", request: z.object({}), answer: statusAnswer },
  trace: { subject: "hub.api.trace", request: traceRequest, answer: traceAnswer },
} as const satisfies Readonly<Record<string, HubCall<z.ZodType, z.ZodType>>>;
