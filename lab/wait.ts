import { readFileSync } from "node:fs";
import { z } from "zod";
import type { Clock } from "../platform/clock.ts";
import { MeshError } from "../platform/errors.ts";

export interface Wait {
  readonly clock: Clock;
  readonly signal: AbortSignal;
  /** Milliseconds. */
  readonly limitMs: number;
  /** Milliseconds between two looks; 25 unless told. */
  readonly everyMs?: number;
}

/**
 * Looks until `look` gives something; `missing` then says what was waited for in vain, with what was seen.
 * @throws MeshError `timeout`, or `aborted` when the signal aborts
 */
export async function waitUntil<T>(
  look: () => T | undefined | Promise<T | undefined>,
  missing: () => string,
  wait: Wait,
): Promise<T> {
  const deadline = wait.clock.monotonic() + wait.limitMs;
  for (;;) {
    const found = await look();
    if (found !== undefined) return found;
    if (wait.signal.aborted) throw new MeshError("aborted", "stopped", { retry: false });
    if (wait.clock.monotonic() > deadline)
      throw new MeshError("timeout", `${missing()} (waited ${wait.limitMs / 1000} s)`, { retry: true });
    await wait.clock.sleep(wait.everyMs ?? 25, wait.signal);
  }
}

/** The last lines of a log, in short and indented, to put under a sentence; says so when there is nothing. */
export function logTail(file: string, lines = 12): string {
  let text: string;
  try {
    text = readFileSync(file, "utf8").trimEnd();
  } catch {
    text = "";
  }
  const tail = text === "" ? ["(nothing was logged)"] : text.split("\n").slice(-lines).map(inShort);
  return [`${file}:`, ...tail.map((line) => `  ${line}`)].join("\n");
}

const entry = z.object({ level: z.string(), event: z.string(), msg: z.string() });

/** A line of a daemon's log without its time, stack and the rest; what is no such line as it is. */
function inShort(line: string): string {
  try {
    const { level, event, msg } = entry.parse(JSON.parse(line));
    return `${level} ${event}: ${msg}`;
  } catch {
    return line;
  }
}
