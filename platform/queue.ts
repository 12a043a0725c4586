import type { Clock } from "./clock.ts";
import { MeshError, messageOf } from "./errors.ts";
import type { Log } from "./log.ts";

export interface QueueOptions {
  /** How many keys may be worked on at once. */
  readonly concurrency: number;
  /** Wait after the first failure of a key, doubled with each further one up to `maxMs`; a random half of it is cut off. */
  readonly backoff: { readonly minMs: number; readonly maxMs: number };
  readonly clock: Clock;
  readonly log: Log;
  /** Uniform in [0, 1): Math.random unless told. */
  readonly random?: () => number;
}

export interface KeyedQueue {
  /** Asks for a run of `key`: soon, once, however often it was asked for; also when it waits out a failure. */
  add(key: string): void;
  /** Settles when the signal has aborted and the last run has ended. */
  readonly done: Promise<void>;
}

/**
 * The one loop: runs `reconcile` for each added key, never twice at once for one key, and again if it was added while
 * it ran. A failure is logged and retried with backoff; one that says waiting can't help (`MeshError.retry` false) waits
 * until the key is added anew. Success forgets the backoff.
 */
export function keyedQueue(
  options: QueueOptions,
  reconcile: (key: string) => Promise<void>,
  signal: AbortSignal,
): KeyedQueue {
  const { concurrency, clock, log } = options;
  const waiting = new Set<string>();
  const running = new Set<string>();
  const failures = new Map<string, number>();
  const naps = new Map<string, AbortController>();
  const done = Promise.withResolvers<void>();

  const add = (key: string): void => {
    if (signal.aborted) return;
    naps.get(key)?.abort();
    naps.delete(key);
    waiting.add(key);
    start();
  };

  const start = (): void => {
    for (const key of waiting) {
      if (running.size >= concurrency) return;
      if (running.has(key)) continue;
      waiting.delete(key);
      running.add(key);
      void run(key);
    }
  };

  const run = async (key: string): Promise<void> => {
    try {
      await reconcile(key);
      failures.delete(key);
    } catch (error) {
      if (!signal.aborted) failed(key, error);
    }
    running.delete(key);
    if (!signal.aborted) start();
    else if (running.size === 0) done.resolve();
  };

  const failed = (key: string, error: unknown): void => {
    const count = (failures.get(key) ?? 0) + 1;
    failures.set(key, count);
    const retry = !(error instanceof MeshError) || error.retry;
    const retryMs = retry ? Math.round(backoffMs(options, count)) : undefined;
    log.warn({ event: "reconcile-failed", key, failures: count, retryMs, error }, messageOf(error));
    if (retryMs !== undefined && !waiting.has(key)) void addAfter(key, retryMs);
  };

  const addAfter = async (key: string, ms: number): Promise<void> => {
    const nap = new AbortController();
    naps.set(key, nap);
    await clock.sleep(ms, nap.signal);
    if (!nap.signal.aborted) add(key);
  };

  const stop = (): void => {
    waiting.clear();
    for (const nap of naps.values()) nap.abort();
    if (running.size === 0) done.resolve();
  };
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  return { add, done: done.promise };
}

function backoffMs({ backoff, random = Math.random }: QueueOptions, failures: number): number {
  return Math.min(backoff.minMs * 2 ** (failures - 1), backoff.maxMs) * (1 - random() / 2);
}
