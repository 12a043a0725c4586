import { soundSubnets } from "../../mesh/ipam/checks.ts";
import type { Clock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Run } from "../../platform/run.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { Turns } from "../../platform/turns.ts";
import { POD_MTU_OVERHEAD, podDevice, unwirePod } from "../../tunnel/pod-link.ts";
import { observePodWires, unroutePod } from "../../tunnel/pod-wires.ts";
import { probeConflict, probeGateway } from "../../tunnel/underlay/probe.ts";
import { stopAnswering } from "../../tunnel/underlay/proxies.ts";
import { attachmentKey } from "../ipam/binding.ts";
import type { Binding } from "../ipam/binding.ts";
import { embeddedDirectory } from "../ipam/directory-embedded.ts";
import type { PodDirectory } from "../ipam/directory.ts";
import { NodeIPAM } from "../ipam/node-ipam.ts";
import type { AddressLevel } from "../ipam/stock.ts";
import type { MemberLevel } from "../member/level.ts";
import type { Lan } from "../situation.ts";
import { installConflist, removeConflist } from "./conflist.ts";
import { PodNetwork } from "./pod-network.ts";
import { refusing } from "./refusing.ts";
import { serveCNI } from "./serve.ts";

export interface CNIRoleParts {
  readonly node: string;
  /** Unix socket that the plugin asks at. */
  readonly socket: string;
  /** Folder that the runtime reads its network configurations from; absent: somebody else writes one. */
  readonly confDir: string | undefined;
  readonly folder: StateFolder;
  readonly run: Run;
  readonly lan: () => Lan;
  /** Whether the kernel holds what it should. */
  readonly isReady: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** What an agent does for the container runtime of its node: addresses and wires of pods. */
export class CNIRole {
  readonly #parts: CNIRoleParts;
  readonly #ipam: NodeIPAM;
  readonly #network: PodNetwork;
  /** One level is taken over at a time. */
  readonly #turns = new Turns();
  #directory: PodDirectory | undefined;

  private constructor(parts: CNIRoleParts, ipam: NodeIPAM, network: PodNetwork) {
    this.#parts = parts;
    this.#ipam = ipam;
    this.#network = network;
  }

  /**
   * Undefined where the node's book can't be read: the plugin is told why until the signal aborts, and pods that run keep
   * what they have.
   */
  static async open(parts: CNIRoleParts, signal: AbortSignal): Promise<CNIRole | undefined> {
    try {
      return await CNIRole.#open(parts, signal);
    } catch (error) {
      const { socket, log } = parts;
      log.error({ event: "no-address-book", error }, `pods get no networks on this node: ${messageOf(error)}`);
      await serveCNI(socket, refusing(messageOf(error)), log, signal);
      return undefined;
    }
  }

  static async #open(parts: CNIRoleParts, signal: AbortSignal): Promise<CNIRole> {
    const { run, lan, clock, log } = parts;
    const wires = {
      observe: () => observePodWires(run),
      cutOff: (binding: Binding) => cutOff(parts, binding),
      probe: (address: string) => probeConflict(run, lan().device, address, { clock, signal }),
      reaches: (gateway: string) => probeGateway(run, lan().device, gateway, { clock, signal }),
    };
    const ipam = await NodeIPAM.open({ ...parts, wires }, signal);
    const network = new PodNetwork(
      {
        ipam,
        run,
        lan: () => ({ device: lan().device, podMtu: lan().mtu - POD_MTU_OVERHEAD }),
        directory: () => role.#directory,
        isReady: parts.isReady,
        clock,
        log,
      },
      signal,
    );
    const role = new CNIRole(parts, ipam, network);
    return role;
  }

  /** Answers the plugin until the signal aborts; before addresses are known it says so. */
  async serve(signal: AbortSignal): Promise<void> {
    const { socket, log } = this.#parts;
    const { done } = await serveCNI(socket, this.#network, log, signal);
    await Promise.all([done, this.#ipam.done()]);
  }

  /** Follows the store until the signal aborts; gives addresses from the first level on. */
  async useStore(store: ResourceStore, level: () => MemberLevel, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const directory = embeddedDirectory(store, { clock, log }, signal);
    const { done } = await this.#ipam.useStore(store, signal);
    await directory.synced;
    this.#directory = directory;
    await this.follow(level()).catch((error: unknown) =>
      log.warn({ event: "addresses-late", error }, messageOf(error)),
    );
    await Promise.all([done, directory.done]);
  }

  /** What the store said last, where it is silent at a start: addresses of own blocks are given on it. */
  async useLastLevel(level: MemberLevel): Promise<void> {
    await this.#turns.take("level", async () => {
      if (this.#directory !== undefined) return;
      await this.#ipam.follow(addressLevel(level, this.#parts.node));
      await this.#ipam.serve();
    });
  }

  /** What it said last, before it is heard: blocks that it forgot since are claimed again. */
  async recall(level: MemberLevel | undefined): Promise<void> {
    if (level !== undefined) await this.#ipam.follow(addressLevel(level, this.#parts.node));
  }

  /** Takes over what the store says now. @throws MeshError of the store (retry) */
  async follow(level: MemberLevel): Promise<void> {
    await this.#turns.take("level", async () => {
      // Before the store is heard for the first time, nothing is known of who has what.
      if (this.#directory === undefined) return;
      await this.#ipam.follow(addressLevel(level, this.#parts.node));
      if (level.subnets.length > 0) await this.#ipam.serve();
      await this.#ipam.claimAhead();
    });
  }

  /** One pass over pods, the LAN and the store; and the runtime may start pods, once all is ready for them. */
  async reconcile(): Promise<void> {
    try {
      await this.#ipam.reconcile();
    } finally {
      // What the store keeps from being done keeps nothing here from it.
      if (this.#ipam.serving) await this.#tendNode();
    }
  }

  async #tendNode(): Promise<void> {
    const { confDir, isReady } = this.#parts;
    await this.#network.reconcileProxies();
    if (confDir !== undefined && isReady()) await installConflist(confDir);
  }

  /** Gives everything back: no pod is started here any more, and those that run have no network. */
  async leave(): Promise<void> {
    const { confDir, run } = this.#parts;
    if (confDir !== undefined) await removeConflist(confDir);
    const attachments = [...this.#ipam.bindings.values()].map(({ attachment }) => attachment);
    const each = new Map(attachments.map((attachment) => [attachmentKey(attachment), attachment]));
    for (const attachment of each.values()) await this.#network.del({ attachment });
    for (const { device } of await observePodWires(run)) await unwirePod(run, device);
  }
}

async function cutOff({ run, lan }: CNIRoleParts, { type, address, attachment }: Binding): Promise<void> {
  await unroutePod(run, podDevice(attachmentKey(attachment)), address);
  if (type === "Underlay") await stopAnswering(run, lan().device, address);
}

function addressLevel({ networks, subnets, blocks, nodes }: MemberLevel, node: string): AddressLevel {
  const labels = nodes.find(({ metadata }) => metadata.name === node)?.metadata.labels ?? {};
  return { networks, subnets: soundSubnets(subnets), blocks, node: { name: node, labels } };
}
