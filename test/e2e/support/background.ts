import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Place } from "../../../lab/place.ts";

/** A program at work somewhere in a lab, and what it has said so far. */
export interface Background {
  readonly out: () => string;
  readonly err: () => string;
  /** Ends it and waits for all it said. */
  readonly stop: (signal: NodeJS.Signals) => Promise<void>;
}

/** Starts a program in a place. */
export function startIn({ prefix }: Place, words: readonly string[]): Background {
  const [program, ...rest] = [...prefix, ...words] as [string, ...string[]];
  const child = spawn(program, rest, { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (text: string) => (out += text));
  child.stderr.setEncoding("utf8").on("data", (text: string) => (err += text));
  return {
    out: () => out,
    err: () => err,
    stop: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}

/** What `begin` resolves with; when it throws, the programs are ended. */
export async function orStop<T>(programs: readonly Background[], begin: () => Promise<T>): Promise<T> {
  try {
    return await begin();
  } catch (error) {
    await Promise.all(programs.map(({ stop }) => stop("SIGKILL")));
    throw error;
  }
}
