import { errors } from "@nats-io/nats-core";
import type { NatsConnection } from "@nats-io/nats-core";
import type { z } from "zod";
import { hubCalls } from "../crds/wire/hub-api.ts";
import { answerOf } from "../crds/wire/join.ts";
import { MeshError, messageOf } from "../platform/errors.ts";

type Calls = typeof hubCalls;

/** Asks the active hub one thing of {@link hubCalls} and resolves with its answer. */
export type AskHub = <Name extends keyof Calls>(
  name: Name,
  request: z.input<Calls[Name]["request"]>,
) => Promise<z.output<Calls[Name]["answer"]>>;

const ANSWER_LIMIT_MS = 10_000;

/**
 * The hub behind a connection. Its refusals are thrown as they were said.
 * @throws MeshError `no-active-hub` (retry), `hub-silent` (retry), `bad-answer`, or the hub's own code
 */
export function hubClient(connection: NatsConnection): AskHub {
  return async (name, request) => {
    const { subject, answer } = hubCalls[name];
    const reply = await ask(connection, subject, JSON.stringify(request));
    const read = answerOf(answer).safeParse(parseJSON(reply));
    if (!read.success) {
      const message = `the hub's answer to ${subject} is not understood: ${messageOf(read.error)}; do hub and CLI have the same version?`;
      throw new MeshError("bad-answer", message, { retry: false, cause: read.error });
    }
    if (!read.data.ok) throw new MeshError(read.data.code, read.data.message, { retry: read.data.retry });
    // The schema is the one of `name`; TypeScript can't follow a lookup by a type parameter.
    return read.data.value as never;
  };
}

async function ask(connection: NatsConnection, subject: string, body: string): Promise<string> {
  try {
    return (await connection.request(subject, body, { timeout: ANSWER_LIMIT_MS })).string();
  } catch (error) {
    const at = connection.getServer();
    if (error instanceof errors.RequestError && error.isNoResponders()) {
      const message = `NATS at ${at} answers but no hub is active; start \`trestle hub\`, or wait a moment if it was just started`;
      throw new MeshError("no-active-hub", message, { retry: true, cause: error });
    }
    const message = `the hub gave no answer to ${subject} through NATS at ${at} (${messageOf(error)}); its log may say why`;
    throw new MeshError("hub-silent", message, { retry: true, cause: error });
  }
}

function parseJSON(text: string): unknown {
  try {
    return JSON.parse(text);
  } catch {
    return undefined;
  }
}
