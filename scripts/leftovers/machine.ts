import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import path from "node:path";

/** A process as /proc shows it. */
export interface ProcessSeen {
  readonly pid: number;
  readonly parent: number;
  /** Clock ticks since boot: with the pid it names one process for good. */
  readonly started: string;
  readonly command: string;
  readonly folder: string;
  /** `net:[inode]` of its network namespace. */
  readonly network: string;
  /** TRESTLE_TEST_RUN of its environment, which everything a test run starts inherits. */
  readonly run: string | undefined;
}

/** What tests could leave on a machine, beyond files in their own folders. */
export interface Machine {
  readonly processes: readonly ProcessSeen[];
  readonly namespaces: readonly string[];
  readonly links: readonly string[];
  readonly mounts: readonly string[];
  readonly cgroups: readonly string[];
  /** State that Trestle and its programs keep under /run. */
  readonly state: readonly string[];
}

/** Looks at this machine. A process that ends while it is looked at is left out. */
export function observeMachine(): Machine {
  return {
    processes: entries("/proc")
      .filter((name) => /^\d+$/.test(name))
      .flatMap((pid) => observeProcess(Number(pid)) ?? []),
    namespaces: entries("/run/netns"),
    links: entries("/sys/class/net"),
    mounts: read("/proc/self/mountinfo").split("\n").filter(Boolean).map(mountPoint),
    cgroups: folders("/sys/fs/cgroup", 4),
    state: ["/run/trestle", "/run/trestle/lab", "/run/wireguard"]
      .flatMap((folder) => entries(folder).map((name) => path.join(folder, name)))
      // The folder of all labs may stay; a lab in it may not.
      .filter((file) => file !== "/run/trestle/lab"),
  };
}

function observeProcess(pid: number): ProcessSeen | undefined {
  const folder = `/proc/${pid}`;
  const stat = read(`${folder}/stat`);
  // The name in parentheses may itself hold spaces and parentheses: proc_pid_stat(5).
  const fields = stat.slice(stat.lastIndexOf(")") + 2).split(" ");
  const [state, parent, started] = [fields[0], fields[1], fields[19]];
  if (parent === undefined || started === undefined || state === "Z") return undefined;
  return {
    pid,
    parent: Number(parent),
    started,
    command: read(`${folder}/cmdline`).replaceAll("\0", " ").trim() || stat.slice(0, stat.lastIndexOf(")") + 1),
    folder: link(`${folder}/cwd`),
    network: link(`${folder}/ns/net`),
    run: read(`${folder}/environ`)
      .split("\0")
      .find((entry) => entry.startsWith("TRESTLE_TEST_RUN="))
      ?.split("=")[1],
  };
}

/** Mount point, type and source of a line of /proc/self/mountinfo, see proc_pid_mountinfo(5). */
function mountPoint(line: string): string {
  const fields = line.split(" ");
  const dash = fields.indexOf("-");
  return `${fields[4]} (${fields[dash + 1]} ${fields[dash + 2]})`;
}

function folders(root: string, depth: number): string[] {
  if (depth === 0) return [];
  const here = attempt(() => readdirSync(root, { withFileTypes: true }), []).filter((entry) => entry.isDirectory());
  return here.map((entry) => path.join(root, entry.name)).flatMap((folder) => [folder, ...folders(folder, depth - 1)]);
}

function entries(folder: string): string[] {
  return attempt(() => readdirSync(folder), []);
}

function read(file: string): string {
  return attempt(() => readFileSync(file, "utf8"), "");
}

function link(file: string): string {
  return attempt(() => readlinkSync(file), "");
}

/** What can't be read is not there (any more) or not ours to see. */
function attempt<T>(look: () => T, otherwise: T): T {
  try {
    return look();
  } catch {
    return otherwise;
  }
}
