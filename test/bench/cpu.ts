import { readFileSync } from "node:fs";
import { setTimeout as pause } from "node:timers/promises";

/** Of proc_stat(5), as its first line has them after the word cpu; what the host took away (steal) is nobody's work. */
const BUSY = { user: 0, nice: 1, system: 2, irq: 5, softirq: 6 } as const;
const TICKS_PER_SECOND = 100;
const IDLE_MS = 500;

/**
 * CPU seconds of the whole machine that some work took: those of its processors while it was done, less what they did
 * just before for as long, when nothing was asked of them.
 */
export async function cpuSecondsOf<T>(work: () => Promise<T>, signal: AbortSignal): Promise<[T, number]> {
  const idle = await busyPerSecond(() => pause(IDLE_MS, undefined, { signal }));
  const start = performance.now();
  const before = busySeconds();
  const value = await work();
  const seconds = (performance.now() - start) / 1_000;
  return [value, busySeconds() - before - idle * seconds];
}

async function busyPerSecond(wait: () => Promise<unknown>): Promise<number> {
  const start = performance.now();
  const before = busySeconds();
  await wait();
  return (busySeconds() - before) / ((performance.now() - start) / 1_000);
}

function busySeconds(): number {
  const [first = ""] = readFileSync("/proc/stat", "utf8").split("\n");
  const ticks = first.split(/\s+/).slice(1).map(Number);
  return Object.values(BUSY).reduce<number>((sum, at) => sum + (ticks[at] ?? 0), 0) / TICKS_PER_SECOND;
}
