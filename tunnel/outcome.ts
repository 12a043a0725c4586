import { hasCode, messageOf } from "../platform/errors.ts";
import type { ProgramFailure } from "../platform/run.ts";

/** What became of one step of a plan. */
export interface Outcome {
  /** The step in words a person can read in a log: `route replace 10.2.0.0/16 nhid 7`. */
  readonly step: string;
  /** Absent: done. */
  readonly error?: string | undefined;
  /** With an error: something of others is in the way, and trying again does not help before they move it. */
  readonly obstacle?: boolean | undefined;
}

/** Carries out one step and says what became of it, so that the next ones are tried whatever happens to this one. */
export async function attempt(step: string, act: () => Promise<unknown>): Promise<Outcome> {
  try {
    await act();
    return { step };
  } catch (error) {
    return { step, error: messageOf(error) };
  }
}

/** No step, and nothing became of it. */
export function nothing(): Promise<readonly Outcome[]> {
  return Promise.resolve([]);
}

/** A step that waits for the firewall, which bounds what it lets in. */
export function heldBack(step: string): Outcome {
  return { step, error: "not while the firewall is not in place" };
}

/** Whether what was thrown says that a program is not installed; one that was to start it says so by its exit code (nsenter(1)). */
export function isMissingProgram(error: unknown): boolean {
  return (
    hasCode(error, "missing-program") ||
    (hasCode(error, "program-failed") && (error.cause as ProgramFailure).exitCode === 127)
  );
}
