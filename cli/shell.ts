import type { Clock } from "../platform/clock.ts";

/** What a command may know and touch of the process it runs in: handed in, so that tests need no process. */
export interface Shell {
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly clock: Clock;
  /** Aborts on SIGINT and SIGTERM. */
  readonly signal: AbortSignal;
  /** Standard output is a terminal: frames of `--watch` replace each other. */
  readonly interactive: boolean;
  /** Standard output may carry colour: a terminal, and no NO_COLOR (https://no-color.org). */
  readonly colour: boolean;
  /** Results, to standard output, as they are: the caller ends its lines. */
  out(text: string): void;
  /** Progress, warnings and errors, to standard error, as they are. */
  err(text: string): void;
  /** All of standard input. */
  readStdin(): Promise<string>;
}

/** One line to standard error, for the person who waits. */
export function note(shell: Shell, line: string): void {
  shell.err(`${line}\n`);
}
