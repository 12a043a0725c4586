import { isDeepStrictEqual } from "node:util";
import type { NodeStatus } from "../mesh/resources.ts";
import { messageOf } from "../platform/errors.ts";
import type { GatewayRole } from "./gateway/role.ts";
import { Kernel } from "./kernel.ts";
import type { KernelParts } from "./kernel.ts";
import { forgetLastLevel, writeLastLevel } from "./last-good.ts";
import { saysTheSame } from "./member/level.ts";
import type { MemberLevel } from "./member/level.ts";
import { observeLan } from "./node/lan.ts";
import { ownMeshAddresses } from "./node/plan.ts";
import { dataPathPlanner } from "./plan.ts";
import { refuse } from "./refusals.ts";
import type { Refused } from "./refusals.ts";
import type { DataPath } from "../tunnel/state.ts";
import type { AgentSettings } from "./settings.ts";
import { situate } from "./situate.ts";
import type { Lan, Situation } from "./situation.ts";
import { sysctlMemoryIn } from "./sysctl-memory.ts";

export interface DataPathParts extends KernelParts {
  readonly settings: AgentSettings;
  /** Told whether the kernel holds what it should. */
  readonly onReady: (ready: boolean) => void;
}

/** What the store is told of what the kernel holds. */
export type Held = Omit<NodeStatus, "lastSeen">;

/** From the member's level to this node's kernel: situate, plan, sync. One call at a time is the caller's duty. */
export class NodeDataPath {
  readonly #parts: DataPathParts;
  readonly #kernel: Kernel;
  #lan: Lan;
  #situation: Situation | undefined;
  /** What the kernel was last made to hold, as long as nothing says that it may not hold it any more. */
  #plan: DataPath | undefined;
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
    this.#kernel = new Kernel(parts);
  }

  /** What the kernel was last made to hold; undefined before, and after the member left. */
  get situation(): Situation | undefined {
    return this.#situation;
  }

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

  /**
   * Makes the kernel hold what the level asks for. From half a level nothing is planned: what the kernel holds stays.
   * The same plan as before is not held against the kernel again until there is a {@link doubt}.
   * @returns whether it does now
   * @throws MeshError `sync-incomplete` (retry)
   */
  async hold(level: MemberLevel, gateway: GatewayRole | undefined): Promise<boolean> {
    const { settings, run, folder, onReady } = this.#parts;
    // An interface that lost its address for a moment is still the LAN.
    if (this.#plan === undefined)
      this.#lan = await observeLan(run, this.#lan.device, sysctlMemoryIn(folder)).catch(() => this.#lan);
    const mail = gateway?.mail;
    const { situation: asked, missing } = situate(level, {
      cluster: settings.cluster,
      node: settings.node,
      lan: this.#lan,
      gateway: gateway && { own: gateway.own, view: mail?.view },
      openPorts: settings.openPort,
      resolved: gateway?.paths.resolved,
      known: await this.#kernel.known(),
    });
    if (asked === undefined) {
      this.#miss(missing);
      return false;
    }
    const { situation: safe, refused, known } = refuse(asked);
    this.#complain(refused);
    await this.#kernel.remember(known);
    const remotes = (await gateway?.paths.byKinds(safe.remotes, () => this.#kernel.paths())) ?? safe.remotes;
    const situation = { ...safe, remotes };
    await this.#sync(this.#planDataPath(situation));
    this.#situation = situation;
    gateway?.paths.follow(situation, refused);
    const appliedRevision = gateway ? mail?.revision : level.membership?.status.revision;
    this.#held = { meshAddresses: ownMeshAddresses(situation), appliedRevision };
    gateway?.applied(mail?.revision);
    onReady(true);
    await this.#keep(level);
    return true;
  }

  async #sync(plan: DataPath): Promise<void> {
    const held = this.#plan;
    if (isDeepStrictEqual(plan, held)) return;
    this.#plan = undefined;
    const doubts = this.#doubts;
    await this.#kernel.hold(plan, held);
    // What changed meanwhile may have changed behind this sync's back.
    if (doubts === this.#doubts) this.#plan = plan;
  }

  /** Makes this machine what it was. @throws MeshError `sync-incomplete` (retry) */
  async release(): Promise<void> {
    this.#parts.onReady(false);
    this.#situation = undefined;
    this.#plan = undefined;
    this.#held = { meshAddresses: [] };
    await this.#kernel.release();
    await forgetLastLevel(this.#parts.folder);
  }

  #miss(missing: string): void {
    if (missing !== this.#missing) this.#parts.log.info({ event: "not-ready" }, missing);
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
