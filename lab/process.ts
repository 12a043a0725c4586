import { spawn } from "node:child_process";
import { once } from "node:events";
import { closeSync, openSync, readdirSync, readFileSync, readlinkSync } from "node:fs";
import type { Clock } from "../platform/clock.ts";
import { MeshError } from "../platform/errors.ts";
import { hasErrnoCode } from "./errno.ts";

/** A process and when it started (clock ticks since boot): a pid alone may have been given to somebody else since. */
export interface ProcessRef {
  readonly pid: number;
  readonly startTime: string;
}

interface ProcessStat extends ProcessRef {
  readonly command: string;
  readonly state: string;
  readonly session: number;
}

/** What the kernel says of one process, proc_pid_stat(5). Undefined when there is none. */
export function readStat(pid: number): ProcessStat | undefined {
  let text: string;
  try {
    text = readFileSync(`/proc/${pid}/stat`, "utf8");
  } catch {
    return undefined;
  }
  // The command may hold spaces and parentheses; the last ")" ends it. What follows starts with field 3.
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  const command = text.slice(text.indexOf("(") + 1, text.lastIndexOf(")"));
  return { pid, command, state: fields[0] ?? "", session: Number(fields[3]), startTime: fields[19] ?? "" };
}

/** True when it is the very process, and not a zombie. */
export function isAlive({ pid, startTime }: ProcessRef): boolean {
  const stat = readStat(pid);
  return stat !== undefined && stat.startTime === startTime && stat.state !== "Z";
}

function allProcesses(): ProcessStat[] {
  return readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((pid) => readStat(Number(pid)) ?? [])
    .filter(({ state }) => state !== "Z");
}

/**
 * The leader started by {@link startDetached} and all it started in turn, but for what made a session of its own. The
 * kernel gives no new process the number of a session that still has members, so orphans are told by it too.
 */
export function sessionOf({ pid, startTime }: ProcessRef): ProcessRef[] {
  const leader = readStat(pid);
  if (leader !== undefined && leader.startTime !== startTime) return [];
  return allProcesses().filter(({ session }) => session === pid);
}

/** Processes that live in any of these network namespaces (names of `ip netns`), this one excepted. */
export function processesIn(inodes: ReadonlySet<string>): (ProcessRef & { readonly command: string })[] {
  return allProcesses().filter(({ pid }) => pid !== process.pid && inodes.has(netnsOf(pid)));
}

/** `net:[4026531840]`, or nothing when the process is gone. */
function netnsOf(pid: number): string {
  try {
    return readlinkSync(`/proc/${pid}/ns/net`);
  } catch {
    return "";
  }
}

/** Starts a program that outlives this one: a session of its own, output appended to the file `log`. */
export async function startDetached(program: string, args: readonly string[], log: string): Promise<ProcessRef> {
  const output = openSync(log, "a", 0o600);
  try {
    const child = spawn(program, args, { detached: true, cwd: "/", stdio: ["ignore", output, output] });
    await once(child, "spawn");
    child.unref();
    const stat = child.pid === undefined ? undefined : readStat(child.pid);
    if (stat === undefined)
      throw new MeshError("start-failed", `${program} ended at once; its log is ${log}`, { retry: false });
    return { pid: stat.pid, startTime: stat.startTime };
  } finally {
    closeSync(output);
  }
}

/** Kills processes and waits until they are gone. @throws MeshError `kill-failed` after 10 s */
export async function killAll(processes: readonly ProcessRef[], clock: Clock, signal: AbortSignal): Promise<void> {
  const deadline = clock.monotonic() + 10_000;
  for (let left = processes.filter(isAlive); left.length > 0; left = left.filter(isAlive)) {
    for (const { pid } of left) kill(pid);
    if (clock.monotonic() > deadline || signal.aborted) {
      throw new MeshError(
        "kill-failed",
        `processes ${left.map(({ pid }) => pid).join(", ")} did not end when killed; try again`,
        { retry: true },
      );
    }
    await clock.sleep(5, signal);
  }
}

function kill(pid: number): void {
  try {
    process.kill(pid, "SIGKILL");
  } catch (error) {
    if (!hasErrnoCode(error, "ESRCH")) throw error;
  }
}
