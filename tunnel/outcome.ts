import { messageOf } from "../platform/errors.ts";

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
