import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { MeshError, messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log.ts";

/** What goes back: a value, or the refusal to show to the person who asked (crds/wire/join.ts, `answerOf`). */
export type Answer<T> =
  | { readonly ok: true; readonly value: T }
  | { readonly ok: false; readonly code: string; readonly message: string; readonly retry: boolean };

/** Runs `work` and makes an answer of what came of it; what nobody foresaw is logged and told as `internal`. */
export async function answer<T>(log: Log, event: string, work: () => Promise<T>): Promise<Answer<T>> {
  try {
    return { ok: true, value: await work() };
  } catch (error) {
    if (error instanceof MeshError) {
      log.info({ event: `${event}-refused`, code: error.code }, error.message);
      return { ok: false, code: error.code, message: error.message, retry: error.retry };
    }
    log.error({ event: `${event}-failed`, error }, messageOf(error));
    return {
      ok: false,
      code: "internal",
      message: `the hub failed: ${messageOf(error)}; its log says more`,
      retry: true,
    };
  }
}

/**
 * Hands every request on `subject` to `respond` until `signal` aborts, one after another: what they change is then never
 * changed by two at once.
 */
export async function serveSubject(
  nc: NatsConnection,
  subject: string,
  respond: (request: Msg) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  const requests = nc.subscribe(subject);
  const stop = (): void => requests.unsubscribe();
  signal.addEventListener("abort", stop, { once: true });
  if (signal.aborted) stop();
  for await (const request of requests) await respond(request);
}
