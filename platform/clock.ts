import { setTimeout as delay } from "node:timers/promises";

/** Time as a dependency, so that tests need neither sleeps nor luck. */
export interface Clock {
  /** Wall clock, milliseconds since the Unix epoch: for what people read and for expiry. */
  now(): number;
  /** Milliseconds that never go back: for measuring how long something took or was silent. */
  monotonic(): number;
  /** Resolves after `ms`, or at once and early when `signal` aborts (it never rejects). */
  sleep(ms: number, signal: AbortSignal): Promise<void>;
}

/** What who waits goes by: a clock, and what ends it before its time. */
export interface Pace {
  readonly clock: Clock;
  readonly signal: AbortSignal;
}

export const systemClock: Clock = {
  now: () => Date.now(),
  monotonic: () => performance.now(),
  sleep: async (ms, signal) => {
    await delay(ms, undefined, { signal }).catch(() => undefined);
  },
};
