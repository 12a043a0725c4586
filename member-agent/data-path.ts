import { isDeepStrictEqual } from "node:util";
import type { NodeStatus, Revision } from "../mesh/resources.ts";
import { messageOf } from "../platform/errors.ts";
import type { Log } from "../platform/log.ts";
import type { Run } from "../platform/run.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import type { Fault } from "../tunnel/report.ts";
import { EMPTY_DATA_PATH } from "../tunnel/state.ts";
import type { DataPath } from "../tunnel/state.ts";
import { heldLines } from "../tunnel/watch-held.ts";
import type { SaysHeld } from "../tunnel/watch-held.ts";
import type { Mail } from "./gateway/mail.ts";
import type { GatewayPaths } from "./gateway/paths.ts";
import type { Kernel } from "./kernel.ts";
import { forgetLastLevel, writeLastLevel } from "./last-good.ts";
import { saysTheSame } from "./member/level.ts";
import type { MemberLevel } from "./member/level.ts";
import { observeLan } from "./node/lan.ts";
import { ownMeshAddresses } from "./node/plan.ts";
import { dataPathPlanner } from "./plan.ts";
import { refuse } from "./refusals.ts";
import type { Refused } from "./refusals.ts";
import type { AgentSettings } from "./settings.ts";
import { situate } from "./situate.ts";
import type { Lan, OwnGateway, Situation } from "./situation.ts";
import { isCarriedOut, syncIncomplete } from "./sync-failure.ts";
import { sysctlMemoryIn } from "./sysctl-memory.ts";

export interface DataPathParts {
  readonly settings: Pick<AgentSettings, "cluster" | "node" | "openPort">;
  readonly kernel: NodeKernel;
  /** Runs programs in this node's namespaces. */
  readonly run: Run;
  readonly folder: StateFolder;
  readonly log: Log;
  /** Told whether the kernel holds what it should. */
  readonly onReady: (ready: boolean) => void;
}

/** What a data path asks of the kernel. */
export type NodeKernel = Pick<Kernel, keyof Kernel>;

/** What a data path asks of a gateway's role, and tells it. */
export interface GatewaySide {
  readonly mail: Mail | undefined;
  readonly own: OwnGateway | undefined;
  readonly paths: Pick<GatewayPaths, "resolved" | "byKinds" | "follow">;
  applied(revision: Revision | undefined): void;
}

/** What the store is told of what the kernel holds. */
export type Held = Omit<NodeStatus, "lastSeen">;

/** What the kernel is to hold, as it follows from the member's level at one moment. */
interface Asked {
  readonly situation: Situation;
  readonly refused: readonly Refused[];
  /** Of the view that it follows from. */
  readonly revision: Revision | undefined;
}

/** From the member's level to this node's kernel: situate, plan, sync. One call at a time is the caller's duty. */
export class NodeDataPath {
  readonly #parts: DataPathParts;
  #lan: Lan;
  /** What the kernel was last made to hold, as long as nothing says that it may not hold it any more. */
  #plan: DataPath | undefined;
  /** Of what the kernel was last told to hold: lines of its monitors that say nothing else. */
  #saysHeld: SaysHeld = () => false;
  #doubts = 0;
  #held: Held = { meshAddresses: [] };
  #missing = "";
  #refused: readonly Refused[] = [];
  /** The level as it was last kept: one that says the same costs no write. */
  #kept: MemberLevel | undefined;
  readonly #planDataPath = dataPathPlanner();

  constructor(parts: DataPathParts, lan: Lan) {
    this.#parts = parts;
    this.#lan = lan;
  }

  /** What the kernel holds for sure: that of the last plan that was carried out. Another object after each. */
  get held(): Held {
    return this.#held;
  }

  get lan(): Lan {
    return this.#lan;
  }

  /** The kernel may hold something else by now: the next {@link hold} looks. */
  doubt(): void {
    this.#doubts += 1;
    this.#plan = undefined;
  }

  /** Whether a line of the kernel's monitors says only what the kernel is to hold: it is no reason for a {@link doubt}. */
  expects(line: string): boolean {
    return this.#saysHeld(line);
  }

  /**
   * Makes the kernel hold what the level asks for. From half a level nothing is planned: what the kernel holds stays.
   * The same plan as before is not held against the kernel again until there is a {@link doubt}. A step that fails, be it
   * for good, keeps nothing from being probed, told and kept; it is thrown last.
   * @throws MeshError `sync-incomplete` (retry)
   */
  async hold(level: MemberLevel, gateway: GatewaySide | undefined): Promise<void> {
    const asked = await this.#ask(level, gateway);
    if (asked === undefined) return;
    const failed = await this.#sync(this.#planDataPath(asked.situation));
    gateway?.paths.follow(asked.situation, asked.refused);
    this.#tell(asked, gateway, isCarriedOut(failed));
    await this.#keep(level);
    if (failed.length > 0) throw syncIncomplete(failed);
  }

  /** Looks at machine, store and mailbox: what the kernel is to hold now; undefined while something is missing. */
  async #ask(level: MemberLevel, gateway: GatewaySide | undefined): Promise<Asked | undefined> {
    const { settings, run, folder, kernel } = this.#parts;
    // An interface that lost its address for a moment is still the LAN.
    if (this.#plan === undefined)
      this.#lan = await observeLan(run, this.#lan.device, sysctlMemoryIn(folder)).catch(() => this.#lan);
    const mail = gateway?.mail;
    const { situation, missing } = situate(level, {
      cluster: settings.cluster,
      node: settings.node,
      lan: this.#lan,
      gateway: gateway && { own: gateway.own, view: mail?.view },
      openPorts: settings.openPort,
      resolved: gateway?.paths.resolved,
      known: await kernel.known(),
    });
    this.#miss(missing ?? "");
    if (situation === undefined) return undefined;
    const { situation: safe, refused, known } = refuse(situation);
    this.#complain(refused);
    await kernel.remember(known);
    const remotes = (await gateway?.paths.byKinds(safe.remotes, () => kernel.paths())) ?? safe.remotes;
    const revision = gateway ? mail?.revision : level.membership?.status.revision;
    return { situation: { ...safe, remotes }, refused, revision };
  }

  async #sync(plan: DataPath): Promise<readonly Fault[]> {
    const held = this.#plan;
    if (isDeepStrictEqual(plan, held)) return [];
    this.#plan = undefined;
    this.#saysHeld = heldLines(plan);
    const doubts = this.#doubts;
    const failed = await this.#parts.kernel.hold(plan, held);
    // What changed meanwhile may have changed behind this sync's back.
    if (doubts === this.#doubts && failed.length === 0) this.#plan = plan;
    return failed;
  }

  #tell({ situation, revision }: Asked, gateway: GatewaySide | undefined, isCarried: boolean): void {
    this.#parts.onReady(isCarried);
    if (!isCarried) return;
    this.#held = { meshAddresses: ownMeshAddresses(situation), appliedRevision: revision };
    gateway?.applied(revision);
  }

  /** Makes this machine what it was. @throws MeshError `sync-incomplete` (retry) */
  async release(): Promise<void> {
    this.#parts.onReady(false);
    this.#plan = undefined;
    this.#saysHeld = heldLines(EMPTY_DATA_PATH);
    this.#held = { meshAddresses: [] };
    await this.#parts.kernel.release();
    await forgetLastLevel(this.#parts.folder);
  }

  /** @param missing in words; empty: nothing */
  #miss(missing: string): void {
    if (missing !== "" && missing !== this.#missing) this.#parts.log.info({ event: "not-ready" }, missing);
    this.#missing = missing;
  }

  /** Each refusal is said once, and again when it comes anew. */
  #complain(refused: readonly Refused[]): void {
    const said = new Set(this.#refused.map(({ message }) => message));
    this.#refused = refused;
    for (const { cluster, kind, subject, reason, message } of refused) {
      const event = { event: `${kind}-refused`, cluster, [kind]: subject, reason };
      if (!said.has(message)) this.#parts.log.warn(event, message);
    }
  }

  async #keep(level: MemberLevel): Promise<void> {
    const { folder, log } = this.#parts;
    if (this.#kept !== undefined && saysTheSame(level, this.#kept)) return;
    try {
      await writeLastLevel(folder, level);
      this.#kept = level;
    } catch (error) {
      const message = `a reboot without the store would not find the way: ${messageOf(error)}`;
      log.error({ event: "level-not-kept", error }, message);
    }
  }
}
