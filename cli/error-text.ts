import { MeshError, messageOf } from "../platform/errors.ts";
import type { Globals } from "./globals.ts";

/**
 * A failure as it is printed: one line, `error: ` and the sentence; its code too with `--output wide` or `--verbose`,
 * and with `--verbose` where it came from. What is not a MeshError is a fault of this program and says so.
 */
export function explainError(error: unknown, { output, verbose }: Pick<Globals, "output" | "verbose">): string {
  const known = error instanceof MeshError;
  const code = known && (verbose || output === "wide") ? ` (${error.code})` : "";
  const lines = [`error${code}: ${messageOf(error)}`];
  if (!known && !verbose) lines.push("This is a fault of trestle itself; the same command with --verbose shows where.");
  if (verbose) lines.push(...origins(error));
  return `${lines.join("\n")}\n`;
}

/** The stack of the error, then the message of each cause below it. */
function origins(error: unknown): string[] {
  if (!(error instanceof Error)) return [];
  const stack = (error.stack ?? "").split("\n").slice(1);
  const causes: string[] = [];
  for (let cause = error.cause; cause !== undefined; cause = cause instanceof Error ? cause.cause : undefined) {
    causes.push(`caused by: ${cause instanceof Error ? cause.message : JSON.stringify(cause)}`);
  }
  return [...stack, ...causes];
}
