import { execFile } from "node:child_process";
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

const OUTPUT_LIMIT_BYTES = 256 * 1024 * 1024;

/** What a failed program left behind, as the `cause` of the MeshError `program-failed`. */
export interface ProgramFailure {
  readonly exitCode: number | undefined;
  readonly stdout: string;
  readonly stderr: string;
}

/**
 * Makes a {@link Run} whose every program is started through `prefix`, e.g. `["ip", "netns", "exec", "lab-east-a"]`.
 * @throws MeshError `program-failed` (cause: {@link ProgramFailure}), `program-timeout`, `missing-program`, `aborted`
 */
export function runner(prefix: readonly string[] = []): Run {
  return (program, args, options = {}) => {
    const [file, ...rest] = [...prefix, program, ...args] as [string, ...string[]];
    const limitMs = options.limitMs ?? 10_000;
    return new Promise((resolve, reject) => {
      const child = execFile(
        file,
        rest,
        { maxBuffer: OUTPUT_LIMIT_BYTES, timeout: limitMs, killSignal: "SIGKILL", signal: options.signal },
        (error, stdout, stderr) => {
          if (error === null) resolve(stdout);
          else reject(explain({ file, program, args, limitMs, error, stdout, stderr }));
        },
      );
      // A program that exits before it read everything makes the pipe fail; its exit code tells the story.
      child.stdin?.on("error", () => undefined);
      child.stdin?.end(options.stdin ?? "");
    });
  };
}

interface Failed {
  /** What was started: `program`, or the first word of the prefix. */
  readonly file: string;
  readonly program: string;
  readonly args: readonly string[];
  readonly limitMs: number;
  readonly error: Error & { code?: number | string | null; killed?: boolean; signal?: NodeJS.Signals | null };
  readonly stdout: string;
  readonly stderr: string;
}

function explain({ file, program, args, limitMs, error, stdout, stderr }: Failed): MeshError {
  const command = [program, ...args].join(" ");
  if (error.name === "AbortError")
    return new MeshError("aborted", `${command}: stopped`, { retry: false, cause: error });
  if (error.code === "ENOENT")
    return new MeshError("missing-program", `${file} is not installed; run scripts/setup`, { retry: false });
  if (error.killed === true && error.code !== "ERR_CHILD_PROCESS_STDIO_MAXBUFFER")
    return new MeshError("program-timeout", `${command}: no answer in ${limitMs} ms`, { retry: true });
  const failure: ProgramFailure = { exitCode: typeof error.code === "number" ? error.code : undefined, stdout, stderr };
  // Not its output: that may be a key (wg genkey, wg show dump), and messages end up in logs.
  const said = stderr.trim() || (error.signal ? `was ended by ${error.signal}` : `exited with ${error.code}`);
  return new MeshError("program-failed", `${command}: ${said}`, { retry: true, cause: failure });
}
