import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
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
  readonly child: ChildProcess;
  /** Signals the whole job. */
  readonly signal: (name: NodeJS.Signals) => void;
  /** What it said on standard error so far. */
  readonly said: () => string;
  readonly ended: Promise<Typed>;
}

/** Starts `trestle …` as a job of its own: a signal to the group of `child` reaches all of it, as a terminal's Ctrl-C does. */
export function startTrestle(...words: readonly string[]): Typing {
  const child = spawn(TRESTLE, words, { detached: true, stdio: ["ignore", "pipe", "pipe"] });
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  const ended = once(child, "close").then(([code]) => ({ code: code as number | null, out, err }));
  const signal = (name: NodeJS.Signals): void => void (child.pid !== undefined && process.kill(-child.pid, name));
  return { child, signal, said: () => err, ended };
}

/** Types `trestle …` and waits for its end, whatever that is. */
export function typeTrestle(...words: readonly string[]): Promise<Typed> {
  return startTrestle(...words).ended;
}

/** Types `trestle …`, which must succeed. @returns what it printed */
export async function trestle(...words: readonly string[]): Promise<string> {
  const { code, out, err } = await typeTrestle(...words);
  if (code !== 0) throw new Error(`trestle ${words.join(" ")} ended with ${code}:\n${err}${out}`);
  return out;
}
