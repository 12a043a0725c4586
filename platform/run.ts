import { execFile } from "node:child_process";
import type { ExecFileException } from "node:child_process";
import { MeshError } from "./errors.ts";

export interface RunOptions {
  /** Ends the program (SIGKILL) when aborted. */
  readonly signal?: AbortSignal;
  /** Milliseconds the program may take; 10,000 unless told. */
  readonly limitMs?: number;
  /** Written to standard input, then closed: the way for secrets and batches, never argv. */
  readonly stdin?: string;
}

/** Runs a program with an argument array, never a shell string, and resolves with its standard output. */
export type Run = (program: string, args: readonly string[], options?: RunOptions) => Promise<string>;

/**
 * Words before a program that shall not outlive the process that starts it: a parent that is killed can't end its
 * children, so the kernel does (setpriv(1), PR_SET_PDEATHSIG of prctl(2)).
 */
export const WITH_PARENT = ["setpriv", "--pdeathsig", "TERM", "--"] as const;

const DEFAULT_LIMIT_MS = 10_000;
/** Characters of a command in a message: a program may be told what is to become of hundreds of peers. */
const MOST_SHOWN = 300;
const OUTPUT_LIMIT_BYTES = 256 * 1024 * 1024;

/** What a failed program left behind, as the `cause` of the MeshError `program-failed`. */
export interface ProgramFailure {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/** How a program ended. */
export interface Ended extends ProgramFailure {
  /** What ended it before its time: its limit, the caller's signal, or a signal of somebody else's; `missing`: it is not there. */
  readonly by?: "limit" | "abort" | "missing" | NodeJS.Signals | undefined;
  readonly cause?: Error | undefined;
}

/** Starts programs; {@link launchHere} does it itself, a launcher has a small process do it. Never rejects. */
export type Launch = (
  file: string,
  args: readonly string[],
  options: RunOptions & { readonly limitMs: number },
) => Promise<Ended>;

/**
 * Makes a {@link Run} whose every program is started through `prefix`, e.g. `["ip", "netns", "exec", "lab-east-a"]`.
 * @throws MeshError `program-failed` (cause: {@link ProgramFailure}), `program-timeout`, `missing-program`, `aborted`
 */
export function runner(prefix: readonly string[] = [], launch: Launch = launchHere): Run {
  return async (program, args, options = {}) => {
    const [file, ...rest] = [...prefix, program, ...args] as [string, ...string[]];
    const limitMs = options.limitMs ?? DEFAULT_LIMIT_MS;
    const ended = await launch(file, rest, { ...options, limitMs });
    if (ended.exitCode === 0 && ended.by === undefined) return ended.stdout;
    throw explain({ file, program, args, limitMs }, ended);
  };
}

/** Starts a program from this process. */
export const launchHere: Launch = (file, args, { stdin = "", limitMs, signal }) =>
  new Promise((resolve) => {
    const options = { maxBuffer: OUTPUT_LIMIT_BYTES, timeout: limitMs, killSignal: "SIGKILL", signal } as const;
    const child = execFile(file, args, options, (error, stdout, stderr) => {
      const exitCode = error === null ? 0 : typeof error.code === "number" ? error.code : undefined;
      resolve({ exitCode, stdout, stderr, by: error === null ? undefined : endOf(error), cause: error ?? undefined });
    });
    // A program that exits before it read everything makes the pipe fail; its exit code tells the story.
    child.stdin?.on("error", () => undefined);
    child.stdin?.end(stdin);
  });

function endOf(error: ExecFileException): Ended["by"] {
  if (error.name === "AbortError") return "abort";
  if (error.code === "ENOENT") return "missing";
  if (error.killed === true && error.code !== "ERR_CHILD_PROCESS_STDIO_MAXBUFFER") return "limit";
  return error.signal;
}

interface Asked {
  /** What was started: `program`, or the first word of the prefix. */
  readonly file: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly limitMs: number;
}

function explain({ file, program, args, limitMs }: Asked, { by, cause, ...failure }: Ended): MeshError {
  const words = [program, ...args].join(" ");
  const command = words.length > MOST_SHOWN ? `${words.slice(0, MOST_SHOWN)}…` : words;
  if (by === "abort") return new MeshError("aborted", `${command}: stopped`, { retry: false, cause });
  if (by === "missing")
    return new MeshError("missing-program", `${file} is not installed; run scripts/setup`, { retry: false });
  if (by === "limit")
    return new MeshError("program-timeout", `${command}: no answer in ${limitMs} ms`, { retry: true });
  // Not its output: that may be a key (wg genkey, wg show dump), and messages end up in logs.
  const said = failure.stderr.trim() || (by ? `was ended by ${by}` : `exited with ${failure.exitCode}`);
  return new MeshError("program-failed", `${command}: ${said}`, {
    retry: true,
    cause: failure satisfies ProgramFailure,
  });
}
