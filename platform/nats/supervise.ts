import type { Clock } from "../clock.ts";
import { MeshError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { startNatsServer } from "./server.ts";
import type { NatsServer } from "./server.ts";

export interface SuperviseOptions {
  readonly binary: string;
  readonly configFile: string;
  /** Called each time a server has become ready; until it settles the server counts as starting. If it rejects, that server is ended and another started. */
  readonly onReady: (server: NatsServer) => Promise<void>;
  readonly clock: Clock;
  readonly log: Log;
}

const RETRY_MIN_MS = 500;
const RETRY_MAX_MS = 10_000;
/** The first start may find its port still held by the server of a predecessor that was killed; 7 s are enough for it to end. */
const FIRST_TRIES = 5;
/** Reads go on while writes fail: time to make room on the disk, and members are not made to come back all the time. */
const WRITES_FAILED_MS = 30_000;

/**
 * Keeps a nats-server running until `signal` aborts: one that exits is started again, ever more slowly, and one whose
 * disk failed it too, for it writes no more even when there is room again.
 * @throws MeshError `nats-server-exited`, or what `onReady` rejected with, when it never became ready: then something is
 *   wrong that time won't mend
 */
export async function superviseNatsServer(options: SuperviseOptions, signal: AbortSignal): Promise<void> {
  const { clock, log, onReady } = options;
  let everReady = false;
  for (let tries = 1; !signal.aborted; tries += 1) {
    const attempt = new AbortController();
    const server = startNatsServer({ ...options, signal: AbortSignal.any([signal, attempt.signal]) });
    try {
      await server.ready;
      await Promise.race([onReady(server), server.done]);
      everReady = true;
      tries = 0;
      await Promise.race([server.done, untilUseless(server, options, signal)]);
    } catch (error) {
      // One that could not be made use of may still run, and would keep the port from the next.
      attempt.abort();
      await server.done.catch(() => undefined);
      if (signal.aborted) return;
      if (!everReady && tries === FIRST_TRIES) throw error;
      const retryMs = Math.min(RETRY_MIN_MS * 2 ** Math.max(0, tries - 1), RETRY_MAX_MS);
      log.error({ event: "nats-server-exited", retryMs, error }, messageOf(error));
      await clock.sleep(retryMs, signal);
    }
  }
}

/** @throws MeshError `nats-writes-failed` some time after the server's disk failed it */
async function untilUseless(server: NatsServer, { clock, log }: SuperviseOptions, signal: AbortSignal): Promise<void> {
  const words = await server.writesFailed;
  const message = `NATS can't write to its disk, make room there; it is started anew, for it won't write before: ${words}`;
  log.error({ event: "nats-writes-failed", retryMs: WRITES_FAILED_MS }, message);
  await clock.sleep(WRITES_FAILED_MS, signal);
  if (signal.aborted) return server.done;
  throw new MeshError("nats-writes-failed", message, { retry: true });
}
