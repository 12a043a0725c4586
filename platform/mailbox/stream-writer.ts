import { JetStreamApiError } from "@nats-io/jetstream";
import { createInbox, errors } from "@nats-io/nats-core";
import type { Msg, MsgHdrs, NatsConnection } from "@nats-io/nats-core";
import { z } from "zod";

/** JetStream's word for one message, NATS ADR-1. */
const answer = z.union([
  z.object({ error: z.object({ code: z.int(), err_code: z.int(), description: z.string() }) }),
  z.object({ seq: z.int() }),
]);

interface Waiting {
  readonly subject: string;
  /** Of `performance.now()`. */
  readonly until: number;
  readonly resolve: (sequence: number) => void;
  readonly reject: (error: Error) => void;
}

/**
 * Writes a message into the stream that takes its subject, and resolves with its sequence once the server says so.
 * @throws JetStreamApiError when the stream refuses, `NoRespondersError`, `TimeoutError`
 */
export type WriteToStream = (subject: string, data: Uint8Array | string, headers?: MsgHdrs) => Promise<number>;

/**
 * As the client's own `publish` of JetStream, which makes two errors with their traces and a timer for each message. One
 * change writes into a thousand mailboxes, and that would be most of the work.
 */
export function openStreamWriter(nc: NatsConnection, limitMs: number): WriteToStream {
  const inbox = createInbox();
  const waiting = new Map<string, Waiting>();
  let written = 0;
  let isTimed = false;
  nc.subscribe(`${inbox}.*`, {
    callback: (error, message) => {
      if (error === null) hear(message);
    },
  });
  const hear = (message: Msg): void => {
    const token = message.subject.slice(inbox.length + 1);
    const one = waiting.get(token);
    if (one === undefined) return;
    waiting.delete(token);
    if (message.headers?.code === NO_RESPONDERS) return one.reject(new errors.NoRespondersError(one.subject));
    const said = answer.safeParse(message.json()).data;
    if (said === undefined) one.reject(new errors.ProtocolError(`no acknowledgement: ${message.string()}`));
    else if ("error" in said) one.reject(new JetStreamApiError(said.error));
    else one.resolve(said.seq);
  };
  /** Those who wait are in the order of their limits: one timer serves them all. */
  const watch = (): void => {
    isTimed = false;
    const now = performance.now();
    for (const [token, one] of waiting) {
      if (one.until > now) return time(one.until - now);
      waiting.delete(token);
      one.reject(new errors.TimeoutError());
    }
  };
  const time = (ms: number): void => {
    if (isTimed) return;
    isTimed = true;
    setTimeout(watch, ms).unref();
  };
  return (subject, data, headers) =>
    new Promise((resolve, reject) => {
      written += 1;
      const token = String(written);
      nc.publish(subject, data, { reply: `${inbox}.${token}`, ...(headers && { headers }) });
      waiting.set(token, { subject, until: performance.now() + limitMs, resolve, reject });
      time(limitMs);
    });
}

/** Status of the message that a server sends when nobody listens. */
const NO_RESPONDERS = 503;
