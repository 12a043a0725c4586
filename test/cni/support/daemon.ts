import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import type { TestNode } from "../../../tunnel/testing/namespace.ts";

/** A long-running `trestle` on a node of a test. */
export interface Daemon {
  /** The end of what it logged, for messages. */
  tail(): string;
  /** Ends it and waits until it is gone; one that is gone already is no fault. */
  end(signal: "SIGTERM" | "SIGKILL"): Promise<void>;
}

/** What `trestle` is, for node. */
export const TRESTLE = path.join(import.meta.dirname, "../../../cli/main.ts");
const SHOWN = 20;

/** Starts `trestle WORDS…` in a node's namespaces. */
export function startTrestle({ prefix }: TestNode, words: readonly string[]): Daemon {
  const [program = "", ...rest] = [...prefix, process.execPath, TRESTLE, ...words];
  const child = spawn(program, rest, {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
  });
  const ended = once(child, "close");
  let lines: string[] = [];
  child.stderr.setEncoding("utf8").on("data", (text: string) => (lines = [...lines, text].slice(-SHOWN)));
  return {
    tail: () => lines.join(""),
    end: async (signal) => {
      child.kill(signal);
      await ended;
    },
  };
}
