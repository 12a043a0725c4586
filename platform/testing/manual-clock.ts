import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../clock.ts";

/** A clock that stands until a test moves it. Keeps the contract of {@link Clock}, see its test. */
export interface ManualClock extends Clock {
  /** Moves time on by `ms`, waking every sleeper at its moment and letting what it woke run before the next. */
  advance(ms: number): Promise<void>;
}

interface Sleeper {
  readonly at: number;
  readonly wake: () => void;
}

/** Starts at `epoch` (milliseconds since 1970); monotonic time starts at zero. */
export function manualClock(epoch = Date.UTC(2026, 0, 1)): ManualClock {
  let elapsed = 0;
  const sleepers = new Set<Sleeper>();
  const nextDue = (until: number): Sleeper | undefined =>
    [...sleepers]
      .filter(({ at }) => at <= until)
      .reduce<Sleeper | undefined>((a, b) => (a === undefined || b.at < a.at ? b : a), undefined);

  return {
    now: () => epoch + elapsed,
    monotonic: () => elapsed,
    sleep: (ms, signal) =>
      new Promise((resolve) => {
        const wake = (): void => {
          sleepers.delete(sleeper);
          signal.removeEventListener("abort", wake);
          resolve();
        };
        const sleeper: Sleeper = { at: elapsed + ms, wake };
        if (signal.aborted) return resolve();
        sleepers.add(sleeper);
        signal.addEventListener("abort", wake, { once: true });
      }),
    advance: async (ms) => {
      const until = elapsed + ms;
      await turn();
      for (let due = nextDue(until); due !== undefined; due = nextDue(until)) {
        elapsed = Math.max(elapsed, due.at);
        due.wake();
        await turn();
      }
      elapsed = until;
    },
  };
}
