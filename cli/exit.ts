/** Exit codes: `docs/reference/cli.md` promises them. 130 is the shells' for "ended by SIGINT". */
export const EXIT = { done: 0, failed: 1, usage: 2, interrupted: 130 } as const;

/** Ends a command that has already said all there is to say, e.g. a trace that found the packet stopped. */
export class Verdict extends Error {
  readonly exitCode: number;

  constructor(exitCode: number) {
    super(`exit ${exitCode}`);
    this.name = "Verdict";
    this.exitCode = exitCode;
  }
}
