import { spawn } from "node:child_process";
import { createInterface } from "node:readline";
import type { Clock } from "../platform/clock.ts";
import { WITH_PARENT } from "../platform/run.ts";

/** Where a monitor runs, and what its rest between two lives goes by. */
export interface MonitorDeps {
  /** What starts a program inside the node; empty where the agent runs there itself. */
  readonly prefix: readonly string[];
  readonly clock: Clock;
}

/** A monitor that ends (the kernel dropped events faster than it read them, say) is started again after this. */
const RESTART_MS = 1000;

/**
 * Hands on what a program prints that goes on for ever, line by line, e.g. of `ip monitor`.
 * @param onGap told that it was started again: what happened in between was not seen
 * @returns a promise that resolves when `signal` aborted and the program is gone
 */
export async function followMonitor(
  { prefix, clock }: MonitorDeps,
  command: readonly string[],
  { onLine, onGap }: { readonly onLine: (line: string) => void; readonly onGap: () => void },
  signal: AbortSignal,
): Promise<void> {
  const [file, ...args] = [...prefix, ...WITH_PARENT, ...command] as [string, ...string[]];
  while (!signal.aborted) {
    const child = spawn(file, args, { stdio: ["ignore", "pipe", "ignore"], signal });
    // Aborted, or the program is missing: either way it closes, and is tried again unless we are to stop.
    child.on("error", () => undefined);
    createInterface({ input: child.stdout }).on("line", onLine);
    await new Promise((resolve) => child.once("close", resolve));
    await clock.sleep(RESTART_MS, signal);
    if (!signal.aborted) onGap();
  }
}
