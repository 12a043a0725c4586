import type { Clock } from "../platform/clock.ts";

/**
 * Says when to act on changes that come in bursts. The first is acted on at once, what follows within `ms` once more
 * after that time, and so on: whoever keeps changing things costs one act in `ms`, and the last change is never missed.
 */
export function settling(clock: Clock, ms: number, act: () => void, signal: AbortSignal): () => void {
  let isSettling = false;
  let isDue = false;
  const settle = async (): Promise<void> => {
    isSettling = true;
    while (isDue && !signal.aborted) {
      isDue = false;
      act();
      await clock.sleep(ms, signal);
    }
    isSettling = false;
  };
  return () => {
    isDue = true;
    if (!isSettling) void settle();
  };
}
