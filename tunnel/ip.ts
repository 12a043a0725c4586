import type { z } from "zod";
import { MeshError, messageOf } from "../platform/errors.ts";
import type { ProgramFailure, Run } from "../platform/run.ts";
import type { Outcome } from "./outcome.ts";

/** The two ways in which this folder uses ip(8) and bridge(8): JSON to observe, a batch to apply. */

/** iproute2's programs, which are alike in both. */
type Program = "ip" | "bridge";

/** Generous: 10,000 routes take 0.2 s, but a machine under load must not lose half a batch. */
const BATCH_LIMIT_MS = 60_000;

/**
 * What `ip -j …` says, by a schema.
 * @throws MeshError as {@link Run} does, and `bad-output` when ip says something else than the schema expects
 */
export async function ipJson<T>(run: Run, args: readonly string[], schema: z.ZodType<T>): Promise<T> {
  return json(run, "ip", args, schema);
}

/**
 * What `bridge -j …` says, by a schema.
 * @throws as {@link ipJson}
 */
export async function bridgeJson<T>(run: Run, args: readonly string[], schema: z.ZodType<T>): Promise<T> {
  return json(run, "bridge", args, schema);
}

async function json<T>(run: Run, program: Program, args: readonly string[], schema: z.ZodType<T>): Promise<T> {
  const text = await run(program, ["-j", ...args]);
  const parsed = schema.safeParse(JSON.parse(text.trim() || "[]"));
  if (!parsed.success) {
    throw new MeshError("bad-output", `${program} -j ${args.join(" ")}: not understood: ${parsed.error.message}`, {
      retry: false,
      cause: parsed.error,
    });
  }
  return parsed.data;
}

/** Runs lines (without the leading `ip`) in one process, in order, each one whatever became of the others; no line, no process. */
export async function ipBatch(run: Run, lines: readonly string[], options: readonly string[] = []): Promise<Outcome[]> {
  return batch(run, "ip", lines, options);
}

/** As {@link ipBatch}, of lines without the leading `bridge`. */
export async function bridgeBatch(run: Run, lines: readonly string[]): Promise<Outcome[]> {
  return batch(run, "bridge", lines, []);
}

async function batch(
  run: Run,
  program: Program,
  lines: readonly string[],
  options: readonly string[],
): Promise<Outcome[]> {
  if (lines.length === 0) {
    return [];
  }
  const stdin = `${lines.join("\n")}\n`;
  try {
    await run(program, [...options, "-force", "-batch", "-"], { stdin, limitMs: BATCH_LIMIT_MS });
    return lines.map((step) => ({ step }));
  } catch (error) {
    const failures = parseBatchFailures(stderrOf(error));
    if (failures.size === 0) {
      return lines.map((step) => ({ step, error: messageOf(error) }));
    }
    return lines.map((step, index) => ({ step, error: failures.get(index + 1) }));
  }
}

/** Line number (from 1) to what ip said before `Command failed -:N`; a batch with -force goes on after each. */
export function parseBatchFailures(stderr: string): Map<number, string> {
  const failures = new Map<number, string>();
  let said: string[] = [];
  for (const line of stderr.split("\n")) {
    const failed = /^Command failed .*:(\d+)$/.exec(line);
    if (failed === null) {
      said.push(line.trim());
    } else {
      failures.set(Number(failed[1]), said.filter(Boolean).join("; ") || "failed without a word");
      said = [];
    }
  }
  return failures;
}

function stderrOf(error: unknown): string {
  if (!(error instanceof MeshError) || error.code !== "program-failed") {
    return "";
  }
  return (error.cause as ProgramFailure).stderr;
}
