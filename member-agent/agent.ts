import { randomUUID } from "node:crypto";
import type { NodeStatus } from "../mesh/resources.ts";
import type { Clock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { holdLease } from "../platform/lease.ts";
import type { LeaseStore } from "../platform/lease.ts";
import type { Log } from "../platform/log.ts";
import { keyedQueue } from "../platform/queue.ts";
import type { KeyedQueue } from "../platform/queue.ts";
import type { Run } from "../platform/run.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { watchKernel } from "../tunnel/watch.ts";
import { GatewayRole } from "./gateway/role.ts";
import { Kernel } from "./kernel.ts";
import { forgetLastLevel, readLastLevel, writeLastLevel } from "./last-good.ts";
import type { ConnectNats } from "./member/connect.ts";
import { watchMember } from "./member/level.ts";
import type { MemberLevel } from "./member/level.ts";
import { writeView } from "./member/remote-clusters.ts";
import { judgeRemotes } from "./member/remote-status.ts";
import { claimBlocks, registerNode, releaseNode, reportNode } from "./node/claims.ts";
import { observeLan } from "./node/lan.ts";
import { livePrefixes, ownMeshAddresses } from "./node/plan.ts";
import { planDataPath } from "./plan.ts";
import type { AgentSettings } from "./settings.ts";
import { situate } from "./situate.ts";
import type { Lan, Situation } from "./situation.ts";

export interface AgentParts {
  readonly settings: AgentSettings;
  readonly folder: StateFolder;
  /** Runs programs in this node's namespaces. */
  readonly run: Run;
  /** Path of wireguard-go, for kernels without WireGuard. */
  readonly wireGuardGo: string | undefined;
  /** Connects to the member's store; waits until it is there. */
  readonly openStore: () => Promise<ResourceStore & LeaseStore>;
  readonly connect: ConnectNats;
  readonly clock: Clock;
  readonly log: Log;
  /** Told whether the kernel holds what it should. */
  readonly onReady: (ready: boolean) => void;
}

const RESYNC_MS = 10_000;
/** How long a start waits for the store before it works on what is on disk. */
const STORE_PATIENCE_MS = 3_000;
const LEASE = { name: "member-controller", holdMs: 10_000, renewMs: 2_000 } as const;

/** What an agent looks after. Whatever woke one of them, it looks at the present level. */
type Work = "node" | "gateway" | "session" | "data-path" | "remotes";
const ALL: readonly Work[] = ["node", "gateway", "session", "data-path", "remotes"];

/**
 * The agent process of one node, until `signal` aborts. What the kernel holds stays when this ends.
 * @throws MeshError `aborted` when it is told to stop before it knows its LAN
 */
export async function runAgent(parts: AgentParts, signal: AbortSignal): Promise<void> {
  await new Agent(parts, await waitForLan(parts, signal), signal).run();
}

class Agent {
  readonly #parts: AgentParts;
  readonly #lan: Lan;
  readonly #signal: AbortSignal;
  readonly #queue: KeyedQueue;
  readonly #kernel: Kernel;
  /** Absent where this node is no gateway. */
  readonly #gateway: GatewayRole | undefined;
  #store: (ResourceStore & LeaseStore) | undefined;
  #level: () => MemberLevel | undefined = () => undefined;
  #leads = false;
  #situation: Situation | undefined;
  /** What is said in the store of what the kernel holds. */
  #held: Omit<NodeStatus, "lastSeen"> = { meshAddresses: [] };
  #missing = "";

  constructor(parts: AgentParts, lan: Lan, signal: AbortSignal) {
    this.#parts = parts;
    this.#lan = lan;
    this.#signal = signal;
    const { settings, clock, log } = parts;
    this.#queue = keyedQueue(
      { concurrency: ALL.length, backoff: { minMs: 200, maxMs: 30_000 }, clock, log },
      (key) => this.#reconcile(key as Work),
      signal,
    );
    this.#kernel = new Kernel(parts);
    if (settings.roles.includes("gateway")) {
      const endpoints =
        settings.endpoint.length > 0
          ? settings.endpoint
          : lan.addresses.map((address) => address.split("/")[0] ?? address);
      const onMail = (): void => this.#wake("data-path", "remotes");
      this.#gateway = new GatewayRole({
        ...parts,
        node: settings.node,
        endpoints,
        basePort: settings.wireguardPort,
        onMail,
        onNews: () => this.#wake("gateway"),
      });
    }
  }

  async run(): Promise<void> {
    const { clock } = this.#parts;
    await Promise.all([
      this.#useStore(),
      this.#useDisk(),
      this.#gateway?.listen(() => this.#situation, this.#signal),
      watchKernel({ prefix: [], clock, devices: [this.#lan.device] }, () => this.#wake("data-path"), this.#signal),
      this.#resync(),
      this.#queue.done,
    ]);
    await this.#gateway?.disconnect();
  }

  #wake(...work: readonly Work[]): void {
    for (const key of work) this.#queue.add(key);
  }

  async #useStore(): Promise<void> {
    const store = await this.#parts.openStore();
    this.#store = store;
    const watch = watchMember(store, () => this.#wake(...ALL), this.#signal);
    await watch.synced;
    this.#level = watch.level;
    this.#wake(...ALL);
    await Promise.all([watch.done, this.#gateway && this.#lead(store)]);
  }

  /** A machine that boots while its store is down works on what the store said last. */
  async #useDisk(): Promise<void> {
    const { folder, clock, log } = this.#parts;
    const kept = await readLastLevel(folder);
    await this.#gateway?.recall(kept?.gateways ?? []);
    await clock.sleep(STORE_PATIENCE_MS, this.#signal);
    if (this.#level() !== undefined || kept === undefined || this.#signal.aborted) return;
    log.warn({ event: "store-silent" }, "the store does not answer; working on what it said last");
    this.#level = () => kept;
    this.#wake("data-path");
  }

  async #resync(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#parts.clock.sleep(RESYNC_MS, this.#signal);
      this.#wake(...ALL);
    }
  }

  /** The member controller: one of the gateways at a time. */
  async #lead(store: LeaseStore): Promise<void> {
    const { clock, log, settings } = this.#parts;
    await holdLease(
      { store, holder: `${settings.node} ${randomUUID()}`, clock, log, ...LEASE },
      async (lease) => {
        this.#leads = true;
        this.#wake("remotes");
        await new Promise((resolve) => lease.signal.addEventListener("abort", resolve, { once: true }));
        this.#leads = false;
      },
      this.#signal,
    );
  }

  async #reconcile(work: Work): Promise<void> {
    const level = this.#level();
    const membership = level?.membership;
    if (level === undefined || membership === undefined) return;
    if (membership.spec.phase === "Left") return work === "data-path" ? this.#leave() : undefined;
    if (work === "data-path") return this.#holdDataPath(level);
    const store = this.#store;
    if (membership.spec.phase !== "Joined" || store === undefined) return;
    const { node } = this.#parts.settings;
    switch (work) {
      case "node":
        await registerNode(store, node, this.#lan.addresses);
        await claimBlocks(store, node, membership.status);
        return reportNode(store, node, this.#held);
      case "gateway": {
        if (this.#gateway === undefined) return;
        const before = this.#gateway.own?.rank;
        await this.#gateway.register(store);
        if (this.#gateway.own?.rank !== before) this.#wake("data-path");
        return;
      }
      case "session":
        return this.#gateway?.connect(store, () => this.#level()?.gateways ?? []);
      case "remotes": {
        const mail = this.#gateway?.mail;
        if (!this.#leads || mail === undefined) return;
        await writeView(store, mail.view, mail.revision);
        await judgeRemotes(store, level.gateways);
      }
    }
  }

  async #holdDataPath(level: MemberLevel): Promise<void> {
    const { settings, log, onReady, folder } = this.#parts;
    const gateway = this.#gateway && { own: this.#gateway.own, view: this.#gateway.mail?.view };
    const revision = this.#gateway ? this.#gateway.mail?.revision : level.membership?.status.revision;
    const { situation, missing } = situate(level, {
      cluster: settings.cluster,
      node: settings.node,
      lan: this.#lan,
      gateway,
      withdrawn: [],
    });
    if (situation === undefined) {
      if (missing !== this.#missing) log.info({ event: "not-ready" }, missing);
      this.#missing = missing;
      return;
    }
    const whole = { ...situation, withdrawn: await this.#kernel.withdrawn(livePrefixes(situation)) };
    await this.#kernel.hold(planDataPath(whole));
    this.#situation = whole;
    this.#held = { meshAddresses: ownMeshAddresses(whole), appliedRevision: revision };
    this.#gateway?.applied(revision);
    this.#wake("node");
    onReady(true);
    await writeLastLevel(folder, level).catch((error: unknown) => {
      log.error(
        { event: "level-not-kept", error },
        `a reboot without the store would not find the way: ${messageOf(error)}`,
      );
    });
  }

  /** Makes this machine what it was. The Node object goes last: `trestle leave` waits for it. */
  async #leave(): Promise<void> {
    const { settings, folder, log, onReady } = this.#parts;
    const store = this.#store;
    if (store === undefined) return;
    onReady(false);
    this.#situation = undefined;
    await this.#kernel.release();
    await this.#gateway?.leave(store);
    await forgetLastLevel(folder);
    if (await releaseNode(store, settings.node))
      log.info({ event: "left" }, "left the mesh; nothing of it is on this machine");
  }
}

async function waitForLan({ settings, run, clock, log }: AgentParts, signal: AbortSignal): Promise<Lan> {
  for (;;) {
    try {
      return await observeLan(run, settings.lanDevice);
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn({ event: "no-lan", error }, messageOf(error));
      await clock.sleep(1_000, signal);
    }
  }
}
