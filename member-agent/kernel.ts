import { overlaps, parseCidr } from "../mesh/cidr.ts";
import type { Clock } from "../platform/clock.ts";
import { MeshError } from "../platform/errors.ts";
import type { Log } from "../platform/log.ts";
import type { Run } from "../platform/run.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import { amendDataPath } from "../tunnel/amend.ts";
import { removeDataPath, syncDataPath } from "../tunnel/data-path.ts";
import type { SyncReport } from "../tunnel/report.ts";
import { BACKSTOP_METRIC } from "../tunnel/marks.ts";
import type { DataPathDeps } from "../tunnel/parts.ts";
import { observeNexthops } from "../tunnel/nexthops/observe.ts";
import { observeRoutes } from "../tunnel/routes/observe.ts";
import type { ObservedRoute } from "../tunnel/routes/observe.ts";
import type { DataPath, Route } from "../tunnel/state.ts";
import type { ObservedPaths } from "./gateway/kinds-in-kernel.ts";
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
  /** Prefixes that have a backstop; undefined until the kernel was asked. */
  #backstopped: readonly string[] | undefined;

  constructor({ run, wireGuardGo, folder, clock, log }: KernelParts) {
    this.#deps = { run, wireGuardGo, clock, sysctlMemory: sysctlMemoryIn(folder), endpointMemory: new Map() };
    this.#run = run;
    this.#log = log;
  }

  /** Looks once, before anything is planned, which prefixes have a backstop. */
  async recall(): Promise<void> {
    this.#backstopped ??= backstopsIn(await observeRoutes(this.#run));
  }

  /**
   * Prefixes that were once a linked cluster's: those with a backstop in the kernel, without what overlaps a prefix that
   * is somebody's now.
   */
  withdrawn(live: readonly string[]): string[] {
    const owned = new Set(live);
    // Nearly every backstop stands behind a live prefix of its own; only what is left has to be compared with all.
    const candidates = (this.#backstopped ?? []).filter((prefix) => !owned.has(prefix));
    if (candidates.length === 0) return [];
    const present = live.map(parseCidr);
    return candidates.filter((text) => {
      const prefix = parseCidr(text);
      return !present.some((each) => overlaps(each, prefix));
    });
  }

  /** By which tunnels packets leave now. */
  async paths(): Promise<ObservedPaths> {
    const [routes, nexthops] = await Promise.all([observeRoutes(this.#run), observeNexthops(this.#run)]);
    return { routes, nexthops };
  }

  /**
   * Makes the kernel hold `want`.
   * @param held what it was last made to hold, where nothing says that it may not hold it any more
   * @throws MeshError `sync-incomplete` (retry) that names each step that failed; the others were carried out
   */
  async hold(want: DataPath, held: DataPath | undefined): Promise<void> {
    const amended = held && (await amendDataPath(this.#deps, want, held));
    const report = amended ?? (await syncDataPath(this.#deps, want));
    this.#backstopped = backstopsIn(want.routes);
    this.#account("synced", report);
  }

  /** Takes everything of ours away. @throws MeshError `sync-incomplete` (retry) */
  async release(): Promise<void> {
    this.#backstopped = [];
    this.#account("released", await removeDataPath(this.#deps));
  }

  #account(event: string, { done, failed }: SyncReport): void {
    if (done.length > 0)
      this.#log.info(
        { event, steps: done.map(({ part, step }) => `${part}: ${step}`) },
        `${event}: ${done.length} steps`,
      );
    if (failed.length === 0) return;
    const faults = failed.map(({ part, step, message }) => `${part}: ${step}: ${message}`);
    throw new MeshError("sync-incomplete", `the kernel refused ${faults.length} steps:\n  ${faults.join("\n  ")}`, {
      retry: true,
    });
  }
}

function backstopsIn(routes: readonly (Route | ObservedRoute)[]): string[] {
  return routes
    .filter(({ target, metric }) => target?.kind === "unreachable" && metric === BACKSTOP_METRIC)
    .map(({ prefix }) => prefix);
}
