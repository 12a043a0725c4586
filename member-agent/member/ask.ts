import type { NatsConnection } from "@nats-io/nats-core";
import { z } from "zod";
import { answerOf } from "../../crds/wire/join.ts";
import { MeshError, messageOf } from "../../platform/errors.ts";
import { openAnswer } from "../../platform/mailbox/answers.ts";

/** Joins wait for one another at the hub; fifty at once take a few seconds. */
const LIMIT_MS = 30_000;

/**
 * Asks the hub and believes only what it signed for this very request.
 * @throws MeshError `hub-silent` (retry), `connection-lost` (retry), `wrong-hub-key`, or the hub's refusal with its code
 */
export async function askHub<Value extends z.ZodType>(
  nc: NatsConnection,
  {
    subject,
    text,
    hubKey,
    value,
  }: { readonly subject: string; readonly text: string; readonly hubKey: string; readonly value: Value },
): Promise<z.infer<Value>> {
  const server = nc.getServer();
  const answered = nc.request(subject, text, { timeout: LIMIT_MS }).catch((cause: unknown) => {
    const message = `NATS at ${server} is there, but no hub answers (${messageOf(cause)}); is \`trestle hub\` running?`;
    throw new MeshError("hub-silent", message, { retry: true, cause });
  });
  const reply = await Promise.race([answered, connectionLost(nc, server)]);
  const opened = openAnswer(text, reply.string(), hubKey);
  if (opened === undefined) {
    const message =
      "the answer is not signed by the hub key that is pinned here: it is another hub, or somebody in between; nothing was changed";
    throw new MeshError("wrong-hub-key", message, { retry: false });
  }
  const answer = answerOf(z.unknown()).safeParse(opened.value).data;
  if (answer?.ok === false) throw new MeshError(answer.code, answer.message, { retry: answer.retry });
  const parsed = value.safeParse(answer?.value);
  if (parsed.success) return parsed.data;
  throw new MeshError("bad-answer", `the hub's answer does not parse: ${z.prettifyError(parsed.error)}`, {
    retry: false,
  });
}

/** An answer on its way is gone with the connection: the client reconnects, and would wait for it in vain. */
async function connectionLost(nc: NatsConnection, server: string): Promise<never> {
  for await (const { type } of nc.status()) if (type === "disconnect") break;
  const message = `the connection to NATS at ${server} was lost before the hub's answer came; say it again, nothing is done twice`;
  throw new MeshError("connection-lost", message, { retry: true });
}
