import { isDeepStrictEqual } from "node:util";
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log.ts";
import type { Run } from "../platform/run.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import { amendDataPath } from "../tunnel/amend.ts";
import { removeDataPath, syncDataPath } from "../tunnel/data-path.ts";
import { isWhole } from "../tunnel/report.ts";
import type { Fault, SyncReport } from "../tunnel/report.ts";
import { BACKSTOP_METRIC } from "../tunnel/marks.ts";
import type { DataPathDeps } from "../tunnel/parts.ts";
import { observeNexthops } from "../tunnel/nexthops/observe.ts";
import { observeRoutes } from "../tunnel/routes/observe.ts";
import type { ObservedRoute } from "../tunnel/routes/observe.ts";
import type { DataPath } from "../tunnel/state.ts";
import type { ObservedPaths } from "./gateway/kinds-in-kernel.ts";
import { forgetKnownPrefixes, outermost, readKnownPrefixes, writeKnownPrefixes } from "./known-prefixes.ts";
import { syncIncomplete } from "./sync-failure.ts";
import { sysctlMemoryIn } from "./sysctl-memory.ts";

export interface KernelParts {
  /** Runs programs in this node's namespaces. */
  readonly run: Run;
  /** Path of wireguard-go, for kernels without WireGuard. */
  readonly wireGuardGo: string | undefined;
  readonly folder: StateFolder;
  readonly clock: Clock;
  readonly log: Log;
}

/** This node's kernel, as far as it is ours. One sync at a time is the caller's duty. */
export class Kernel {
  readonly #deps: DataPathDeps;
  readonly #run: Run;
  readonly #log: Log;
  readonly #folder: StateFolder;
  /** Undefined until disk and kernel were asked. */
  #known: readonly string[] | undefined;
  /** What is on disk, as far as it was written here. */
  #kept: readonly string[] | undefined;
  /** Whether the kernel was last made to hold all that was wanted: only from there can it be amended. */
  #isWhole = false;
  /** What others have to move, as it was said last. */
  #obstacles: ReadonlySet<string> = new Set();

  constructor({ run, wireGuardGo, folder, clock, log }: KernelParts) {
    this.#deps = { run, wireGuardGo, clock, sysctlMemory: sysctlMemoryIn(folder), endpointMemory: new Map() };
    this.#run = run;
    this.#log = log;
    this.#folder = folder;
  }

  /**
   * Prefixes that are or once were a cluster's: as it was remembered, and what else has a backstop in the kernel, for a
   * folder may be lost or full.
   */
  async known(): Promise<readonly string[]> {
    this.#known ??= outermost([
      ...(await readKnownPrefixes(this.#folder)),
      ...backstopsIn(await observeRoutes(this.#run)),
    ]);
    return this.#known;
  }

  /** Remembers them over a reboot, which empties the kernel. */
  async remember(known: readonly string[]): Promise<void> {
    this.#known = known;
    if (isDeepStrictEqual(known, this.#kept)) return;
    try {
      await writeKnownPrefixes(this.#folder, known);
      this.#kept = known;
    } catch (error) {
      const message = `after a reboot, what is withdrawn would not be closed: ${messageOf(error)}`;
      this.#log.error({ event: "prefixes-not-kept", error }, message);
    }
  }

  /** By which tunnels packets leave now. */
  async paths(): Promise<ObservedPaths> {
    const [routes, nexthops] = await Promise.all([observeRoutes(this.#run), observeNexthops(this.#run)]);
    return { routes, nexthops };
  }

  /**
   * Makes the kernel hold `want`.
   * @param held what it was last made to hold, where nothing says that it may not hold it any more
   * @returns the steps that failed; the others were carried out, but for what others have to move: that is said here
   */
  async hold(want: DataPath, held: DataPath | undefined): Promise<readonly Fault[]> {
    const amended = held && this.#isWhole ? await amendDataPath(this.#deps, want, held) : undefined;
    const report = amended ?? (await syncDataPath(this.#deps, want));
    this.#isWhole = isWhole(report);
    // An amendment looks at nothing of others'.
    if (amended === undefined) this.#complain(report);
    return this.#account("synced", report);
  }

  /** Takes everything of ours away. @throws MeshError `sync-incomplete` (retry) */
  async release(): Promise<void> {
    this.#known = [];
    this.#kept = undefined;
    await forgetKnownPrefixes(this.#folder);
    this.#isWhole = false;
    const report = await removeDataPath(this.#deps);
    this.#complain(report);
    const failed = this.#account("released", report);
    if (failed.length > 0) throw syncIncomplete(failed);
  }

  #account(event: string, { done, failed }: SyncReport): readonly Fault[] {
    if (done.length > 0)
      this.#log.info(
        { event, steps: done.map(({ part, step }) => `${part}: ${step}`) },
        `${event}: ${done.length} steps`,
      );
    return failed;
  }

  /** Each obstacle is said once, and again when it comes anew. */
  #complain({ obstacles }: SyncReport): void {
    const said = this.#obstacles;
    this.#obstacles = new Set(obstacles.map(({ step }) => step));
    for (const { part, step, message } of obstacles) {
      if (!said.has(step)) this.#log.warn({ event: "obstacle", part, step }, `not done: ${step}: ${message}`);
    }
  }
}

function backstopsIn(routes: readonly ObservedRoute[]): string[] {
  return routes
    .filter(({ target, metric }) => target?.kind === "unreachable" && metric === BACKSTOP_METRIC)
    .map(({ prefix }) => prefix);
}
