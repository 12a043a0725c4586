import type { NatsConnection } from "@nats-io/nats-core";
import { z } from "zod";
import { MeshError, messageOf } from "../errors.ts";
import type { AccountJWT } from "./hub-accounts.ts";

const answer = z.object({
  data: z.object({ code: z.int() }).optional(),
  error: z.object({ description: z.string() }).optional(),
});

const LIMIT_MS = 5_000;

/**
 * Gives the server a newer account JWT; who was revoked in it is cut off at once. `nc` is a connection of the system user.
 * @throws MeshError `account-push-failed` (retry)
 */
export async function pushAccount(nc: NatsConnection, account: AccountJWT): Promise<void> {
  const failed = (why: string, cause?: unknown): MeshError =>
    new MeshError("account-push-failed", `NATS did not take the account ${account.publicKey}: ${why}`, {
      retry: true,
      cause,
    });
  const reply = await nc
    .request("$SYS.REQ.CLAIMS.UPDATE", account.jwt, { timeout: LIMIT_MS })
    .catch((error: unknown) => {
      throw failed(messageOf(error), error);
    });
  const { data, error } = answer.parse(reply.json());
  if (data?.code !== 200) throw failed(error?.description ?? "no reason given");
}
