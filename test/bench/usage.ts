import { readdirSync, readFileSync } from "node:fs";

/** The kernel counts in hundredths of a second whatever its own tick is, proc_pid_stat(5). */
const MS_PER_TICK = 10;
/** Of the fields of /proc/PID/stat that follow the command. */
const STATE = { parent: 1, userTicks: 11, systemTicks: 12 } as const;

/** Milliseconds of CPU that a process has used, in user and kernel mode. */
export function cpuMs(pid: number): number {
  const { fields } = statOf(pid);
  return (Number(fields[STATE.userTicks]) + Number(fields[STATE.systemTicks])) * MS_PER_TICK;
}

/** The process of that name that this one, or one of its children, started. */
export function childNamed(name: string, parent = process.pid): number {
  const all = readdirSync("/proc")
    .filter((entry) => /^\d+$/.test(entry))
    .flatMap((entry) => {
      try {
        return { pid: Number(entry), ...statOf(Number(entry)) };
      } catch {
        return [];
      }
    });
  const found = all.find(({ command, fields }) => command === name && Number(fields[STATE.parent]) === parent);
  if (found === undefined) throw new Error(`process ${parent} has no child ${name}`);
  return found.pid;
}

function statOf(pid: number): { readonly command: string; readonly fields: readonly string[] } {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const end = text.lastIndexOf(")");
  return { command: text.slice(text.indexOf("(") + 1, end), fields: text.slice(end + 2).split(" ") };
}

/** Megabytes that a process holds, proc_pid_smaps_rollup(5). */
export interface Memory {
  /** All that is in memory, files it shares with others too. */
  readonly rss: number;
  /** Shared pages counted by their share. */
  readonly pss: number;
}

export function memoryOf(pid: number): Memory {
  const text = readFileSync(`/proc/${pid}/smaps_rollup`, "utf8");
  const megabytes = (field: string): number => {
    const [, kibibytes] = new RegExp(`^${field}:\\s+(\\d+) kB$`, "m").exec(text) ?? [];
    return (Number(kibibytes) * 1_024) / 1e6;
  };
  return { rss: megabytes("Rss"), pss: megabytes("Pss") };
}
