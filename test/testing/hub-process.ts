import { spawn } from "node:child_process";
import { once } from "node:events";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { createInterface } from "node:readline";
import { eventually } from "../../platform/testing/eventually.ts";
import type { LogLine } from "./hub.ts";

/** `trestle hub` as a process of its own, which can be killed and stopped in its tracks. */
export interface HubProcess {
  readonly log: readonly LogLine[];
  /** Waits for the `nth` line of that event, and returns it. */
  logged(event: string, nth?: number, limitMs?: number): Promise<LogLine>;
  signal(name: "SIGTERM" | "SIGKILL" | "SIGCONT"): void;
  /** Resolves when it has stopped in its tracks. */
  pause(): Promise<void>;
  /** Resolves when it is gone. */
  readonly done: Promise<void>;
}

const MAIN = path.join(import.meta.dirname, "../../cli/main.ts");

export function startHubProcess(flags: readonly string[]): HubProcess {
  const child = spawn(process.execPath, [MAIN, "hub", ...flags], {
    stdio: ["ignore", "ignore", "pipe"],
    env: { PATH: process.env["PATH"], HOME: "/nonexistent" },
  });
  const lines: LogLine[] = [];
  createInterface({ input: child.stderr }).on("line", (text) => {
    if (text.startsWith("{")) lines.push(JSON.parse(text) as LogLine);
  });
  return {
    log: lines,
    logged: async (event, nth = 1, limitMs = 60_000) => {
      const found = (): LogLine | undefined => lines.filter((line) => line.event === event)[nth - 1];
      await eventually(() => found() !== undefined || lines.map((line) => line.event), limitMs);
      return found() ?? { level: "", event, msg: "" };
    },
    signal: (name) => void child.kill(name),
    pause: async () => {
      child.kill("SIGSTOP");
      // The state follows the name in parentheses, proc_pid_stat(5).
      await eventually(async () => / T /.test(await readFile(`/proc/${child.pid}/stat`, "utf8")));
    },
    done: once(child, "exit").then(() => undefined),
  };
}
