import type { Machine, ProcessSeen } from "./machine.ts";

/** Who is looking, so that the looker and the machine's own life are not taken for litter. */
export interface Viewpoint {
  /** Process id of the comparing program; it and its ancestors are not left-overs. */
  readonly pid: number;
  /** The checkout: what runs in it or from it was started by its tests. */
  readonly root: string;
  /** TRESTLE_TEST_RUN of this run. */
  readonly run: string | undefined;
}

/**
 * What is there after a test run that was not there before, one line each; empty when all is clean. A new process counts
 * when it carries this run's mark, runs in or from the checkout, or lives in a network namespace that is new as well: a
 * machine starts other programs meanwhile, and those are none of our business.
 */
export function leftBehind(before: Machine, after: Machine, viewpoint: Viewpoint): string[] {
  return [
    ...newProcesses(before, after, viewpoint).map(({ pid, command }) => `process ${pid}: ${command}`),
    ...added(before.namespaces, after.namespaces).map((name) => `network namespace ${name}`),
    ...added(before.links, after.links).map((name) => `link ${name}`),
    ...added(before.mounts, after.mounts).map((mount) => `mount ${mount}`),
    ...added(before.cgroups, after.cgroups)
      .filter(isOfTests)
      .map((group) => `cgroup ${group}`),
    ...added(before.state, after.state).map((file) => `state ${file}`),
  ];
}

function newProcesses(before: Machine, after: Machine, viewpoint: Viewpoint): ProcessSeen[] {
  const known = new Set(before.processes.map(identity));
  const networks = new Set(before.processes.map(({ network }) => network));
  const looking = ancestors(after.processes, viewpoint.pid);
  return after.processes.filter(
    (seen) =>
      !known.has(identity(seen)) &&
      !looking.has(seen.pid) &&
      ((viewpoint.run !== undefined && seen.run === viewpoint.run) ||
        isInside(seen.folder, viewpoint.root) ||
        seen.command.includes(`${viewpoint.root}/`) ||
        (seen.network !== "" && !networks.has(seen.network))),
  );
}

function identity({ pid, started }: ProcessSeen): string {
  return `${pid}@${started}`;
}

function isInside(folder: string, root: string): boolean {
  return folder === root || folder.startsWith(`${root}/`);
}

/** `pid` and all its ancestors. */
function ancestors(processes: readonly ProcessSeen[], pid: number): Set<number> {
  const parents = new Map(processes.map((seen) => [seen.pid, seen.parent]));
  const line = new Set<number>();
  for (let at: number | undefined = pid; at !== undefined && !line.has(at); at = parents.get(at)) line.add(at);
  return line;
}

/** systemd makes and drops groups for sessions and timers at any moment; tests make theirs elsewhere. */
function isOfTests(group: string): boolean {
  return !/\/(system|user|init)\.(slice|scope)(\/|$)/.test(group);
}

function added(before: readonly string[], after: readonly string[]): string[] {
  const known = new Set(before);
  return [...new Set(after)].filter((entry) => !known.has(entry));
}
