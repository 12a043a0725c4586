import { z } from "zod";

/**
 * Join, renew and leave: what a member asks the hub and what it is answered. A request travels as signed text (see
 * platform/mailbox/signed.ts), so that the hub acts on the member's own words only.
 */

export const joinRequest = z.object({
  /** The cluster's name; must be the one the token was made for. */
  cluster: z.string(),
  /** NATS user public key (U…) the member's credential shall be issued to. */
  userKey: z.string(),
  /** Ed25519 public key that will sign the member's messages, raw, base64url. */
  signingKey: z.string(),
  /** Declared; empty: the hub assigns. */
  podCIDRs: z.array(z.string()),
  families: z.array(z.union([z.literal(4), z.literal(6)])),
  prefixLength: z.int().optional(),
  allowedCIDRs: z.array(z.string()),
  localCIDRs: z.array(z.string()),
  labels: z.record(z.string(), z.string()),
  /** The hub's signing key as the token names it: a hub with another one redeems nothing. */
  hubKey: z.string().optional(),
});
export type JoinRequest = z.infer<typeof joinRequest>;

export const joinAnswer = z.object({
  cluster: z.string(),
  userJWT: z.string(),
  /** Of a user that can do nothing but renew; it has no end. */
  renewJWT: z.string(),
  number: z.int(),
  podCIDRs: z.array(z.string()),
  meshPrefixes: z.array(z.string()),
});
export type JoinAnswer = z.infer<typeof joinAnswer>;

export const renewAnswer = z.object({ userJWT: z.string() });
export type RenewAnswer = z.infer<typeof renewAnswer>;

/** Every answer of the hub: a value or the refusal to show to the person who asked. */
export function answerOf<T extends z.ZodType>(value: T) {
  return z.union([
    z.object({ ok: z.literal(true), value }),
    z.object({ ok: z.literal(false), code: z.string(), message: z.string(), retry: z.boolean() }),
  ]);
}
