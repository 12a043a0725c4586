import type { z } from "zod";
import { MeshError, hasCode, messageOf } from "../platform/errors.ts";
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

/** Runs lines (without the leading `ip`) in order, each one whatever became of the others; no line, no process. */
export async function ipBatch(run: Run, lines: readonly string[], options: readonly string[] = []): Promise<Outcome[]> {
  return batch(run, "ip", lines, options);
}

/** As {@link ipBatch}, of lines without the leading `bridge`. */
export async function bridgeBatch(run: Run, lines: readonly string[]): Promise<Outcome[]> {
  return batch(run, "bridge", lines, []);
}

/**
 * No command of ip or bridge: what they say of it says that the line before it ran. They say nothing of a line that is
 * done, and some failures end them in spite of -force, with all that follows undone.
 */
const MILESTONE = "-";

/** Nearly always one process; another one goes on after a line that ended it. */
async function batch(
  run: Run,
  program: Program,
  lines: readonly string[],
  options: readonly string[],
): Promise<Outcome[]> {
  const outcomes: Outcome[] = [];
  while (outcomes.length < lines.length) {
    const due = lines.slice(outcomes.length);
    const stdin = due.map((line) => `${line}\n${MILESTONE}\n`).join("");
    const failure: unknown = await run(program, [...options, "-force", "-batch", "-"], {
      stdin,
      limitMs: BATCH_LIMIT_MS,
    }).catch((error: unknown) => error);
    outcomes.push(...outcomesOf(due, failure));
  }
  return outcomes;
}

/** What became of the first of these lines, up to one that ended the program: of all, if it was something else that did. */
function outcomesOf(lines: readonly string[], failure: unknown): Outcome[] {
  const { exitCode, stderr } = programFailureOf(failure);
  const { ran, last } = parseBatch(stderr);
  const outcomes = lines.slice(0, ran.length).map((step, at) => ({ step, error: ran[at] }));
  const rest = lines.slice(ran.length);
  return exitCode === EXITED_BY_ITSELF
    ? [...outcomes, ...rest.slice(0, 1).map((step) => ({ step, error: last || WORDLESS }))]
    : [...outcomes, ...rest.map((step) => ({ step, error: messageOf(failure) }))];
}

/** `exit(-1)`, as invarg() in lib/utils.c of iproute2 has it: a device that is not there is a wrong argument to some commands. */
const EXITED_BY_ITSELF = 255;

const WORDLESS = "failed without a word";

/**
 * Reads what was said of lines with a {@link MILESTONE} after each.
 * @returns of each line that ran what was said before `Command failed -:N`, undefined where it is done; and what was said
 * last, after all of them
 */
export function parseBatch(stderr: string): { readonly ran: readonly (string | undefined)[]; readonly last: string } {
  const ran: (string | undefined)[] = [];
  let said: string[] = [];
  let error: string | undefined;
  for (const line of stderr.split("\n")) {
    const failed = /^Command failed .*:(\d+)$/.exec(line);
    if (failed === null) {
      said.push(line.trim());
      continue;
    }
    if (Number(failed[1]) % 2 === 1) {
      error = sentence(said) || WORDLESS;
    } else {
      ran.push(error);
      error = undefined;
    }
    said = [];
  }
  return { ran, last: sentence(said) };
}

function sentence(said: readonly string[]): string {
  return said.filter(Boolean).join("; ");
}

function programFailureOf(error: unknown): ProgramFailure {
  return hasCode(error, "program-failed")
    ? (error.cause as ProgramFailure)
    : { exitCode: undefined, stdout: "", stderr: "" };
}
