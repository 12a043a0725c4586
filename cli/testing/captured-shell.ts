import { systemClock } from "../../platform/clock.ts";
import type { Clock } from "../../platform/clock.ts";
import { runCLI } from "../run.ts";
import type { Shell } from "../shell.ts";

/** What a command line left behind. */
export interface Captured {
  readonly exitCode: number;
  readonly stdout: string;
  readonly stderr: string;
}

export interface CaptureOptions {
  readonly env?: Shell["env"];
  readonly stdin?: string;
  readonly clock?: Clock;
  readonly signal?: AbortSignal;
  readonly interactive?: boolean;
  /** Told after every write what standard output holds so far. */
  onOut?(stdout: string): void;
}

/** A shell without a process, and what was written to it. */
export function capturedShell(options: CaptureOptions = {}): {
  readonly shell: Shell;
  readonly written: () => Omit<Captured, "exitCode">;
} {
  let stdout = "";
  let stderr = "";
  const shell: Shell = {
    env: options.env ?? {},
    clock: options.clock ?? systemClock,
    signal: options.signal ?? new AbortController().signal,
    interactive: options.interactive ?? false,
    colour: false,
    out: (text) => {
      stdout += text;
      options.onOut?.(stdout);
    },
    err: (text) => {
      stderr += text;
    },
    readStdin: () => Promise.resolve(options.stdin ?? ""),
  };
  return { shell, written: () => ({ stdout, stderr }) };
}

/** Runs one command line as `trestle` would, in this process. */
export async function trestle(argv: readonly string[], options: CaptureOptions = {}): Promise<Captured> {
  const { shell, written } = capturedShell(options);
  const exitCode = await runCLI(argv, shell);
  return { exitCode, ...written() };
}
