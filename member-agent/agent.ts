import { isDeepStrictEqual } from "node:util";
import { addressPart } from "../mesh/cidr.ts";
import type { Membership } from "../mesh/resources.ts";
import { messageOf } from "../platform/errors.ts";
import type { LeaseStore } from "../platform/lease.ts";
import { keyedQueue } from "../platform/queue.ts";
import type { KeyedQueue } from "../platform/queue.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { watchKernel } from "../tunnel/watch.ts";
import type { AgentParts } from "./agent-parts.ts";
import { knownGateways } from "./gateway/registration.ts";
import { GatewayRole } from "./gateway/role.ts";
import { removeConflist } from "./cni/conflist.ts";
import { CNIRole, cutOffAll } from "./cni/role.ts";
import { NodeDataPath } from "./data-path.ts";
import { Kernel } from "./kernel.ts";
import { readLastLevel } from "./last-good.ts";
import { controlMember, takeLead } from "./member/leading.ts";
import { watchMember } from "./member/level.ts";
import type { MemberChange, MemberLevel } from "./member/level.ts";
import { writeView } from "./member/remote-clusters.ts";
import { judgeRemotes } from "./member/remote-status.ts";
import { renewCredential } from "./member/renew.ts";
import { claimMeshAddresses, registerNode, releaseNode, reportNode } from "./node/claims.ts";
import { awaitLan } from "./node/lan.ts";
import { settling } from "./settling.ts";
import type { Lan } from "./situation.ts";
import { ALL_WORK, DUE } from "./work.ts";
import type { Work } from "./work.ts";

const RESYNC_MS = 10_000;
/** Between two looks at a kernel that others keep changing; the first is at once. */
const KERNEL_SETTLES_MS = 200;
/** How long a start waits for the store before it works on what is on disk. */
const STORE_PATIENCE_MS = 3_000;

/**
 * The agent process of one node, until `signal` aborts. What the kernel holds stays when this ends.
 * @throws MeshError `aborted` when it is told to stop before it knows its LAN
 */
export async function runAgent(parts: AgentParts, signal: AbortSignal): Promise<void> {
  await new Agent(parts, await awaitLan({ ...parts, device: parts.settings.lanDevice }, signal), signal).run();
}

class Agent {
  readonly #parts: AgentParts;
  readonly #signal: AbortSignal;
  readonly #queue: KeyedQueue;
  readonly #dataPath: NodeDataPath;
  /** Absent where this node is no gateway. */
  readonly #gateway: GatewayRole | undefined;
  /** Absent where pods are another CNI's. */
  #pods: CNIRole | undefined;
  #ready = false;
  /** The store, once it was there for the first time; undefined when this ends before. */
  readonly #opened = Promise.withResolvers<ResourceStore | undefined>();
  #store: (ResourceStore & LeaseStore) | undefined;
  #level: () => MemberLevel | undefined = () => undefined;
  #leads = false;
  /** What is under way besides the data path. */
  readonly #tended = new Set<Promise<void>>();
  /** Ends what is asked of the hub when the member leaves. */
  #membership = new AbortController();

  constructor(parts: AgentParts, lan: Lan, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
    const { settings, clock, log } = parts;
    const stopWaiting = (): void => this.#opened.resolve(undefined);
    if (signal.aborted) stopWaiting();
    else signal.addEventListener("abort", stopWaiting, { once: true });
    this.#queue = keyedQueue(
      { concurrency: ALL_WORK.length, backoff: { minMs: 200, maxMs: 30_000 }, clock, log },
      (key) => this.#reconcile(key as Work),
      signal,
    );
    const onReady = (ready: boolean): void => this.#beReady(ready);
    this.#dataPath = new NodeDataPath({ ...parts, onReady, kernel: new Kernel(parts) }, lan);
    if (settings.roles.includes("gateway")) {
      // LAN addresses change, and those that are dialled with them.
      const endpoints = (): readonly string[] =>
        settings.endpoint.length > 0 || settings.behindNat
          ? settings.endpoint
          : this.#dataPath.lan.addresses.map(addressPart);
      const onMail = (): void => this.#wake("data-path", "remotes");
      this.#gateway = new GatewayRole({
        ...parts,
        node: settings.node,
        endpoints,
        behindNAT: settings.behindNat,
        basePort: settings.wireguardPort,
        onMail,
        onMove: () => this.#wake("data-path"),
        onNews: () => this.#wake("gateway"),
      });
    }
  }

  async run(): Promise<void> {
    const { clock, folder, prefix } = this.#parts;
    const kept = await readLastLevel(folder);
    await this.#gateway?.recall(kept?.gateways ?? []);
    const isExpected = (line: string): boolean => this.#dataPath.expects(line);
    // A LAN's device that goes down takes along what it answers for.
    const onDevice = settling(clock, KERNEL_SETTLES_MS, () => this.#wake("pods"), this.#signal);
    const watch = { prefix, clock, devices: [this.#dataPath.lan.device], onDevice, isExpected };
    const onKernelChange = settling(clock, KERNEL_SETTLES_MS, () => this.#doubtKernel(), this.#signal);
    const running = [
      this.#useStore(),
      this.#useDisk(kept),
      this.#gateway?.listen(this.#signal) ?? Promise.resolve(),
      this.#servePods(kept),
      watchKernel(watch, onKernelChange, this.#signal),
      this.#resync(),
      this.#queue.done,
    ];
    try {
      await Promise.all(running);
    } finally {
      // One that fails ends the others; the folder is theirs as long as any of them runs.
      this.#parts.onEnd();
      await Promise.allSettled(running);
    }
    await this.#gateway?.disconnect();
  }

  /** Answers the plugin, where this node's pods are ours. */
  async #servePods(kept: MemberLevel | undefined): Promise<void> {
    const { cniSocket: socket, cniConfDir: confDir, node } = this.#parts.settings;
    if (socket === undefined) return;
    const lan = (): Lan => this.#dataPath.lan;
    const parts = { ...this.#parts, node, socket, confDir, lan, isReady: () => this.#ready };
    const pods = await CNIRole.open(parts, this.#signal);
    if (pods === undefined) return;
    if (kept !== undefined && this.#isOurs(kept.membership)) {
      await pods.recall(kept).catch((error: unknown) => {
        this.#parts.log.warn({ event: "not-recalled", error }, messageOf(error));
      });
    }
    this.#pods = pods;
    this.#wake("addresses", "pods");
    const following = this.#opened.promise.then((store) =>
      store === undefined ? undefined : pods.useStore(store, () => this.#wake("addresses"), this.#signal),
    );
    await Promise.all([pods.serve(this.#signal), following]);
  }

  #beReady(ready: boolean): void {
    this.#parts.onReady(ready);
    if (ready && !this.#ready) this.#wake("pods");
    this.#ready = ready;
  }

  #wake(...work: readonly Work[]): void {
    for (const key of work) this.#queue.add(key);
  }

  async #useStore(): Promise<void> {
    const store = await this.#parts.openStore();
    const onChange = (change: MemberChange): void => {
      this.#wake(...DUE[change]);
      if (change === "gateways") this.#gateway?.tellHub();
    };
    const watch = watchMember(store, onChange, this.#signal);
    await watch.synced;
    this.#store = store;
    this.#opened.resolve(store);
    this.#level = watch.level;
    this.#wake(...ALL_WORK);
    const { settings, clock, log } = this.#parts;
    const lead = async (signal: AbortSignal): Promise<void> => {
      this.#lead(true);
      // At once, however long what it has begun takes to end.
      signal.addEventListener("abort", () => this.#lead(false), { once: true });
      await controlMember({ store, cluster: settings.cluster, clock, log }, signal);
    };
    const leading = this.#gateway && takeLead({ store, node: settings.node, clock, log }, lead, this.#signal);
    await Promise.all([watch.done, leading]);
  }

  #lead(leads: boolean): void {
    this.#leads = leads;
    this.#gateway?.tellHub();
    this.#wake("remotes", "credential");
  }

  /** A machine that boots while its store is down works on what the store said last. */
  async #useDisk(kept: MemberLevel | undefined): Promise<void> {
    const { clock, log } = this.#parts;
    await clock.sleep(STORE_PATIENCE_MS, this.#signal);
    if (this.#level() !== undefined || kept === undefined || this.#signal.aborted) return;
    log.warn({ event: "store-silent" }, "the store does not answer; working on what it said last");
    this.#level = () => kept;
    this.#wake("data-path", "addresses", "pods");
  }

  #doubtKernel(): void {
    this.#dataPath.doubt();
    this.#wake("data-path");
  }

  async #resync(): Promise<void> {
    while (!this.#signal.aborted) {
      await this.#parts.clock.sleep(RESYNC_MS, this.#signal);
      this.#dataPath.doubt();
      this.#wake(...ALL_WORK);
    }
  }

  async #reconcile(work: Work): Promise<void> {
    const level = this.#level();
    const membership = level?.membership;
    if (level === undefined || membership === undefined) return;
    if (membership.spec.phase === "Left") return work === "data-path" ? this.#leave() : undefined;
    if (work === "data-path") return this.#holdDataPath(level);
    const tended = this.#tend(work, level, membership);
    this.#tended.add(tended);
    try {
      await tended;
    } finally {
      this.#tended.delete(tended);
    }
  }

  async #tend(work: Exclude<Work, "data-path">, level: MemberLevel, membership: Membership): Promise<void> {
    const store = this.#store;
    // Nothing is claimed in a store that is another cluster's; the data path says so.
    if (!this.#isOurs(membership)) return;
    // Pods need no store that answers.
    if (work === "addresses") return this.#pods?.follow(level, store === undefined);
    if (work === "pods") return this.#pods?.reconcile();
    if (store === undefined) return;
    const { node } = this.#parts.settings;
    switch (work) {
      case "node":
        await registerNode(store, node, {
          addresses: this.#dataPath.lan.addresses,
          labels: this.#parts.settings.label,
        });
        await claimMeshAddresses(store, node, membership.status.meshPrefixes);
        return reportNode(store, node, this.#dataPath.held);
      case "gateway": {
        if (this.#gateway === undefined) return;
        const before = this.#gateway.own?.rank;
        await this.#gateway.register(store);
        if (this.#gateway.own?.rank !== before) this.#wake("data-path");
        return;
      }
      case "session":
        return this.#gateway?.connect(store, () => knownGateways(this.#level(), this.#leads));
      case "remotes": {
        const mail = this.#gateway?.mail;
        if (!this.#leads || mail === undefined) return;
        await writeView(store, mail.view, mail.revision);
        return judgeRemotes(store, level.gateways);
      }
      case "credential":
        if (this.#leads && (await this.#renew(store))) this.#wake("session");
    }
  }

  #isOurs(membership: Membership | undefined): boolean {
    return membership?.spec.phase === "Joined" && membership.spec.cluster === this.#parts.settings.cluster;
  }

  async #holdDataPath(level: MemberLevel): Promise<void> {
    const { lan, held } = this.#dataPath;
    try {
      await this.#dataPath.hold(level, this.#gateway);
    } finally {
      // A step that fails for good keeps nobody from hearing of the others.
      if (this.#dataPath.held !== held) this.#wake("node");
      if (!isDeepStrictEqual(this.#dataPath.lan.addresses, lan.addresses)) this.#wake("gateway");
    }
  }

  #renew(store: ResourceStore): Promise<boolean> {
    const { connect, clock } = this.#parts;
    return renewCredential(store, connect, clock, this.#membership.signal);
  }

  /** Makes this machine what it was. The Node object goes last: `trestle leave` waits for it. */
  async #leave(): Promise<void> {
    const store = this.#store;
    if (store === undefined) return;
    this.#membership.abort();
    this.#membership = new AbortController();
    // What began before would claim again what is given back here.
    await Promise.allSettled(this.#tended);
    await (this.#pods?.leave() ?? cutOffAll(this.#parts.run, this.#dataPath.lan.device));
    if (this.#parts.settings.cniConfDir !== undefined) await removeConflist(this.#parts.settings.cniConfDir);
    await this.#dataPath.release();
    await this.#gateway?.leave(store);
    const { log, settings } = this.#parts;
    if (!(await releaseNode(store, settings.node))) return;
    log.info({ event: "left" }, "left the mesh; nothing of it is on this machine");
  }
}
