import { isHostName } from "../../mesh/endpoint.ts";
import type { PairStatus } from "../../mesh/resources.ts";
import type { ViewFault } from "../../mesh/view-faults.ts";
import type { View } from "../../mesh/view-records.ts";
import type { Clock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Run } from "../../platform/run.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import type { Refused } from "../refusals.ts";
import type { Remote, Situation } from "../situation.ts";
import { kindsInKernel } from "./kinds-in-kernel.ts";
import type { ObservedPaths } from "./kinds-in-kernel.ts";
import { nextKinds } from "./kinds.ts";
import type { Hearing, KindState, LinkedBy } from "./kinds.ts";
import { inBrief } from "./pair-report.ts";
import { PathProbe } from "./path-probe.ts";
import { probePathPlanner } from "./probe-paths.ts";
import type { ProbePath } from "./probe-paths.ts";
import { EndpointNames } from "./resolve.ts";
import type { Lookup, WantedNames } from "./resolve.ts";
import { TunnelWatcher } from "./watcher.ts";

export interface GatewayPathsParts {
  readonly run: Run;
  readonly folder: StateFolder;
  readonly lookup: Lookup;
  /** Whether others can dial this gateway. */
  readonly dialable: () => boolean;
  /** What was left out of the last view. */
  readonly faults: () => readonly ViewFault[];
  readonly clock: Clock;
  readonly log: Log;
  /** Told when the kernel should hold something else: a link's kind moved on, a name has other addresses. */
  readonly onMove: () => void;
  /** Told when there is something else to say of a linked cluster. */
  readonly onNews: () => void;
}

/** What the kernel was last made to hold, and what of it was refused. */
interface Followed {
  readonly situation: Situation;
  readonly refused: readonly Refused[];
}

const LOOK_EVERY_MS = 1_000;
/** While every pair is up the tunnels are asked less often: each look starts programs. */
const SETTLED_EVERY_MS = 5_000;

/** What a gateway hears of its paths to others, and what follows from it: their state, the kind to send by, where to dial. */
export class GatewayPaths {
  readonly #parts: GatewayPathsParts;
  readonly #probe: PathProbe;
  readonly #watcher: TunnelWatcher;
  readonly #names: EndpointNames;
  readonly #hearing: Hearing;
  readonly #pathsOf = probePathPlanner();
  /** Undefined until it was seen what the kernel holds. */
  #kinds: ReadonlyMap<string, KindState> | undefined;
  #wanted: readonly LinkedBy[] = [];
  #paths: readonly ProbePath[] = [];
  #followed: Followed | undefined;

  constructor(parts: GatewayPathsParts) {
    const { clock, log, folder, lookup, onMove } = parts;
    this.#parts = parts;
    this.#probe = new PathProbe(clock);
    this.#hearing = (cluster, rank, kind) => this.#probe.heard(cluster, rank, kind);
    this.#watcher = new TunnelWatcher({ ...parts, hearing: this.#hearing });
    this.#names = new EndpointNames({ lookup, folder, clock, log, onChange: onMove });
  }

  /** What was judged last, one a linked cluster, as it is told to others. */
  get pairs(): readonly PairStatus[] {
    return inBrief(this.#watcher.pairs);
  }

  /** Addresses of the gateways that are announced by name. */
  get resolved(): ReadonlyMap<string, readonly string[]> {
    return this.#names.resolved;
  }

  /** Takes up the addresses that names had last. */
  recall(): Promise<void> {
    return this.#names.recall();
  }

  /**
   * The linked clusters with the kinds of tunnel that are theirs at this moment.
   * @param observe what the kernel holds; asked once, for an agent that starts goes on from there
   */
  async byKinds(remotes: readonly Remote[], observe: () => Promise<ObservedPaths>): Promise<readonly Remote[]> {
    this.#kinds ??= kindsInKernel(remotes, await observe(), this.#parts.clock.monotonic());
    this.#wanted = remotes;
    const kinds = this.#decide(this.#kinds);
    return remotes.map((remote) => {
      const { accepts, sends } = kinds.get(remote.name) ?? remote;
      return sends === remote.sends && accepts.length === remote.accepts.length
        ? remote
        : { ...remote, accepts, sends };
    });
  }

  /** From now on the kernel holds this. */
  follow(situation: Situation, refused: readonly Refused[]): void {
    this.#followed = { situation, refused };
    this.#answer(this.#pathsOf(situation));
  }

  /** The member left: there is nothing to listen to. */
  async forget(): Promise<void> {
    this.#followed = undefined;
    this.#kinds = undefined;
    this.#wanted = [];
    this.#answer([]);
    await this.#names.forget();
  }

  /** Probes, answers, listens and looks names up until `signal` aborts. */
  async run(view: () => View | undefined, signal: AbortSignal): Promise<void> {
    await Promise.all([
      this.#probe.run(signal),
      this.#names.run(() => this.#wantedNames(view()), signal),
      this.#look(signal),
    ]);
  }

  async #look(signal: AbortSignal): Promise<void> {
    const { clock, log, faults, onMove, onNews } = this.#parts;
    let lookedMs = Number.NEGATIVE_INFINITY;
    while (!signal.aborted) {
      await clock.sleep(LOOK_EVERY_MS, signal);
      if (signal.aborted || this.#followed === undefined) continue;
      const before = this.#kinds;
      if (before !== undefined && haveMoved(before, this.#decide(before))) onMove();
      const { situation, refused } = this.#followed;
      const { pairs } = this.#watcher;
      const isSettled = pairs.length === situation.remotes.length && pairs.every(({ state }) => state === "Up");
      if (isSettled && clock.monotonic() - lookedMs < SETTLED_EVERY_MS) continue;
      lookedMs = clock.monotonic();
      try {
        if (await this.#watcher.look(situation, [...refused, ...faults()])) onNews();
      } catch (error) {
        log.warn({ event: "tunnels-unseen", error }, messageOf(error));
      }
    }
  }

  #decide(before: ReadonlyMap<string, KindState>): ReadonlyMap<string, KindState> {
    const kinds = nextKinds(before, this.#wanted, {
      hearing: this.#hearing,
      peerHeardMs: (publicKey) => this.#watcher.peerHeardMs(publicKey),
      nowMs: this.#parts.clock.monotonic(),
    });
    this.#kinds = kinds;
    this.#answer(this.#paths);
    for (const [cluster, { sends }] of kinds) {
      const last = before.get(cluster);
      if (last === undefined || last.sends === sends) continue;
      this.#parts.log.info(
        { event: "kind-changed", cluster, tunnel: sends },
        `packets to "${cluster}" leave by ${sends}`,
      );
    }
    return kinds;
  }

  /**
   * What is no longer accepted is no longer answered from that moment on, though its tunnel goes a little later: who is
   * answered may rely on it.
   */
  #answer(paths: readonly ProbePath[]): void {
    const accepts = ({ cluster, kind }: ProbePath): boolean =>
      this.#kinds?.get(cluster)?.accepts.includes(kind) ?? false;
    const answered = paths.filter(accepts);
    if (paths === this.#paths && answered.length === paths.length) return;
    this.#paths = answered;
    this.#probe.follow(answered);
  }

  #wantedNames(view: View | undefined): WantedNames | undefined {
    if (view === undefined) return undefined;
    const gateways = view.entries.flatMap(({ peer }) => peer.gateways);
    const namesOf = (some: typeof gateways): ReadonlySet<string> =>
      new Set(some.flatMap(({ endpoints }) => endpoints.filter(isHostName)));
    const { silent } = this.#watcher;
    return { all: namesOf(gateways), silent: namesOf(gateways.filter(({ publicKey }) => silent.has(publicKey))) };
  }
}

/** Whether any cluster's tunnels should be others than before. */
function haveMoved(before: ReadonlyMap<string, KindState>, after: ReadonlyMap<string, KindState>): boolean {
  return [...after].some(([cluster, { sends, accepts }]) => {
    const last = before.get(cluster);
    return last?.sends !== sends || last.accepts.length !== accepts.length;
  });
}
