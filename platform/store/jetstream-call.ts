import { JetStreamApiError, JetStreamError } from "@nats-io/jetstream";
import { errors } from "@nats-io/nats-core";
import type { Clock } from "../clock.ts";
import { MeshError, messageOf } from "../errors.ts";

/** Milliseconds one call to JetStream may take: an answer that is late is one that a lost leader never sends. */
export const CALL_LIMIT_MS = 1_000;

const TRIES_LIMIT_MS = 5_000;
const PAUSE_MIN_MS = 50;
const PAUSE_MAX_MS = 400;

/**
 * Repeats `call` while it fails the way a restarting server or a lost leader makes it fail, for 5 s.
 * `attempt` counts from zero: a later one may find that an earlier one was carried out after all.
 * @throws MeshError `store-unreachable` (retry) after that, `aborted` when the connection was closed; else what `call` throws
 */
export async function persistently<T>(
  what: string,
  { clock, signal }: { readonly clock: Clock; readonly signal: AbortSignal },
  call: (attempt: number) => Promise<T>,
): Promise<T> {
  const deadline = clock.monotonic() + TRIES_LIMIT_MS;
  for (let attempt = 0; ; attempt += 1) {
    try {
      return await call(attempt);
    } catch (error) {
      if (signal.aborted || isClosed(error)) {
        throw new MeshError("aborted", `${what}: the connection to the store was closed`, {
          retry: false,
          cause: error,
        });
      }
      if (!isPassing(error)) throw error;
      if (clock.monotonic() >= deadline) {
        const message = `${what}: the store did not answer (${messageOf(error)}); is it running, with room on its disk?`;
        throw new MeshError("store-unreachable", message, { retry: true, cause: error });
      }
    }
    await clock.sleep(Math.min(PAUSE_MIN_MS * 2 ** attempt, PAUSE_MAX_MS), signal);
  }
}

function isClosed(error: unknown): boolean {
  return error instanceof errors.ClosedConnectionError || error instanceof errors.DrainingConnectionError;
}

/** Leader loss shows as JetStreamNotEnabled, a stream not yet recovered as not found or no responders. */
function isPassing(error: unknown): boolean {
  if (error instanceof JetStreamApiError) return error.status === 503 || error.code === STREAM_NOT_FOUND;
  return (
    error instanceof JetStreamError ||
    error instanceof errors.TimeoutError ||
    error instanceof errors.RequestError ||
    error instanceof errors.NoRespondersError ||
    // The client does not export this class.
    (error instanceof Error && error.name === "JetStreamNotEnabled")
  );
}

/** Codes of JetStream's API, nats-server's errors.json. */
const STREAM_NOT_FOUND = 10_059;
const WRONG_LAST_SEQUENCE = 10_071;
const OTHER_CONFIGURATION = 10_058;

/** True when a write was refused because its key was no longer at the expected sequence. */
export function isLostRace(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === WRONG_LAST_SEQUENCE;
}

/** True when a stream could not be made because there is one of that name with other settings. */
export function isOtherConfiguration(error: unknown): boolean {
  return error instanceof JetStreamApiError && error.code === OTHER_CONFIGURATION;
}
