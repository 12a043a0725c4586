import { decode } from "@nats-io/jwt";
import type { Account } from "@nats-io/jwt";
import type { NatsConnection } from "@nats-io/nats-core";
import { MeshError, messageOf } from "../platform/errors.ts";

/** User public key (U…) to seconds since 1970: credentials of that key issued until then are void. */
export type Revocations = Readonly<Record<string, number>>;

const LIMIT_MS = 5_000;

/**
 * What the server holds revoked in an account: another hub process of this identity may have revoked it. `nc` is a
 * connection of the system user.
 * @throws MeshError `account-unknown` (retry)
 */
export async function readRevocations(nc: NatsConnection, account: string): Promise<Revocations> {
  try {
    const reply = await nc.request(`$SYS.REQ.ACCOUNT.${account}.CLAIMS.LOOKUP`, "", { timeout: LIMIT_MS });
    return decode<Account>(reply.string()).nats.revocations ?? {};
  } catch (error) {
    const message = `NATS does not say what is revoked in account ${account}: ${messageOf(error)}`;
    throw new MeshError("account-unknown", message, { retry: true, cause: error });
  }
}

/** All of both, each at its later time. */
export function mergeRevocations(some: Revocations, others: Revocations): Revocations {
  const merged = new Map(Object.entries(some));
  for (const [key, at] of Object.entries(others)) merged.set(key, Math.max(at, merged.get(key) ?? 0));
  return Object.fromEntries(merged);
}
