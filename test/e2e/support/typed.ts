import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";

const TRESTLE = path.join(import.meta.dirname, "..", "..", "..", "bin", "trestle");

/** What a command line came to. */
export interface Typed {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** A command line that is still at it. */
export interface Typing {
  /** Signals the whole job, as a terminal's Ctrl-C does; SIGKILL the command alone, so that what it started is orphaned. */
  readonly signal: (name: "SIGINT" | "SIGKILL") => void;
  /** What it said on standard error so far. */
  readonly said: () => string;
  readonly ended: Promise<Typed>;
}

/** Types `trestle …` for one test, leaving a mark on whatever it starts. */
export interface Typist {
  /** Starts it as a job of its own. */
  start(...words: readonly string[]): Typing;
  /** Waits for its end, whatever that is. */
  try(...words: readonly string[]): Promise<Typed>;
  /** It must succeed. @returns what it printed */
  type(...words: readonly string[]): Promise<string>;
}

/** @param mark found again in the environment of each process, see scripts/leftovers */
export function typist(mark: string): Typist {
  const start = (...words: readonly string[]): Typing => {
    const env = { ...process.env, TRESTLE_TEST_RUN: mark };
    const child = spawn(TRESTLE, words, { detached: true, env, stdio: ["ignore", "pipe", "pipe"] });
    let out = "";
    let err = "";
    child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
    child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
    const ended = once(child, "close").then(([code]) => ({ code: code as number | null, out, err }));
    const signal = (name: "SIGINT" | "SIGKILL"): void => {
      if (name === "SIGKILL") child.kill(name);
      else if (child.pid !== undefined) process.kill(-child.pid, name);
    };
    return { signal, said: () => err, ended };
  };
  return {
    start,
    try: (...words) => start(...words).ended,
    type: async (...words) => {
      const { code, out, err } = await start(...words).ended;
      if (code !== 0) throw new Error(`trestle ${words.join(" ")} ended with ${code}:\n${err}${out}`);
      return out;
    },
  };
}
