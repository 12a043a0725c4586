import type { NatsConnection } from "@nats-io/nats-core";
import { MeshError, messageOf } from "../errors.ts";
import { directGetSubject } from "../nats/subjects.ts";

const LIMIT_MS = 2_000;
const NOT_FOUND = 404;

/**
 * The text stored under a subject of the mailboxes' bucket; undefined when there is none.
 * @throws MeshError `mailbox-unreachable` (retry)
 */
export async function directGet(nc: NatsConnection, subject: string): Promise<string | undefined> {
  const unreachable = (why: string, cause?: unknown): MeshError =>
    new MeshError("mailbox-unreachable", `reading ${subject}: ${why}`, { retry: true, cause });
  const reply = await nc.request(directGetSubject(subject), "", { timeout: LIMIT_MS }).catch((error: unknown) => {
    throw unreachable(messageOf(error), error);
  });
  const code = reply.headers?.code ?? 0;
  if (code === NOT_FOUND) return undefined;
  if (code !== 0) throw unreachable(`NATS answered ${code} ${reply.headers?.description}`);
  return reply.string();
}
