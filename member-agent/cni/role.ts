import type { Clock } from "../../platform/clock.ts";
import { MeshError, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Run } from "../../platform/run.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { LinkDeletions } from "../../tunnel/link-deletions.ts";
import { POD_MTU_OVERHEAD, podDevice, unwirePod } from "../../tunnel/pod-link.ts";
import { observePodWires, unroutePod } from "../../tunnel/pod-wires.ts";
import { probeConflict, probeGateway } from "../../tunnel/underlay/probe.ts";
import { observeProxies, stopAnswering } from "../../tunnel/underlay/proxies.ts";
import { attachmentKey, attachmentsOf } from "../ipam/binding.ts";
import type { Binding } from "../ipam/binding.ts";
import { embeddedDirectory } from "../ipam/directory-embedded.ts";
import type { PodDirectory } from "../ipam/directory.ts";
import { NodeIPAM } from "../ipam/node-ipam.ts";
import type { MemberLevel } from "../member/level.ts";
import type { Lan } from "../situation.ts";
import { addressLevel } from "./address-level.ts";
import { installConflist } from "./conflist.ts";
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
  /** What starts a program there that goes on; empty where the agent runs there itself. */
  readonly prefix: readonly string[];
  readonly lan: () => Lan;
  /** Whether the kernel holds what it should. */
  readonly isReady: () => boolean;
  readonly clock: Clock;
  readonly log: Log;
}

/** Between attempts to open the book. */
const RETRY_MS = 1_000;

/** What an agent does for the container runtime of its node: addresses and wires of pods. */
export class CNIRole {
  readonly #parts: CNIRoleParts;
  readonly #ipam: NodeIPAM;
  readonly #deletions = new LinkDeletions();
  readonly #network: PodNetwork;
  #directory: PodDirectory | undefined;

  private constructor(parts: CNIRoleParts, ipam: NodeIPAM, signal: AbortSignal) {
    this.#parts = parts;
    this.#ipam = ipam;
    const { run, lan, isReady, clock, log } = parts;
    this.#network = new PodNetwork(
      {
        ipam,
        run,
        deletions: this.#deletions,
        lan: () => ({ device: lan().device, podMtu: lan().mtu - POD_MTU_OVERHEAD }),
        directory: () => this.#directory,
        isReady,
        clock,
        log,
      },
      signal,
    );
  }

  /**
   * Tries again as long as waiting may help. Undefined where the node's book can't be read: the plugin is told why until
   * the signal aborts, and pods that run keep what they have.
   * @throws MeshError as {@link serveCNI} does
   */
  static async open(parts: CNIRoleParts, signal: AbortSignal): Promise<CNIRole | undefined> {
    const { socket, clock, log } = parts;
    while (!signal.aborted) {
      try {
        return await CNIRole.#open(parts, signal);
      } catch (error) {
        log.error({ event: "no-address-book", error }, `pods get no networks on this node: ${messageOf(error)}`);
        if (error instanceof MeshError && error.retry) {
          await clock.sleep(RETRY_MS, signal);
          continue;
        }
        const { done } = await serveCNI(socket, refusing(messageOf(error)), log, signal);
        await done;
        return undefined;
      }
    }
    return undefined;
  }

  static async #open(parts: CNIRoleParts, signal: AbortSignal): Promise<CNIRole> {
    const { run, lan, clock } = parts;
    const wires = {
      observe: () => observePodWires(run),
      cutOff: (binding: Binding) => cutOff(parts, binding),
      probe: (address: string) => probeConflict(run, lan().device, address, { clock, signal }),
      reaches: (gateway: string) => probeGateway(run, lan().device, gateway, { clock, signal }),
    };
    return new CNIRole(parts, await NodeIPAM.open({ ...parts, wires }, signal), signal);
  }

  /** Answers the plugin until the signal aborts; before addresses are known it says so. */
  async serve(signal: AbortSignal): Promise<void> {
    const { socket, log } = this.#parts;
    const { done } = await serveCNI(socket, this.#network, log, signal);
    await Promise.all([done, this.#ipam.done(), this.#deletions.listen(this.#parts, signal)]);
  }

  /**
   * Follows the store until the signal aborts.
   * @param onHeard it knows who has what: the next {@link follow} has it give addresses
   */
  async useStore(store: ResourceStore, onHeard: () => void, signal: AbortSignal): Promise<void> {
    const { clock, log } = this.#parts;
    const directory = embeddedDirectory(store, { clock, log }, signal);
    const { done } = await this.#ipam.useStore(store, signal);
    await directory.synced;
    this.#directory = directory;
    onHeard();
    await Promise.all([done, directory.done]);
  }

  /** What the store said last, before it is heard: blocks that it forgot since are claimed again. */
  async recall(level: MemberLevel): Promise<void> {
    await this.#ipam.follow(addressLevel(level, this.#parts.node));
  }

  /**
   * Takes over what the store says now, and gives addresses by it. One level at a time: this is a queue's work.
   * @param isKept it is what the store said last, for it is silent: addresses of own blocks are given all the same
   * @throws MeshError of the store, the journal or a program (retry)
   */
  async follow(level: MemberLevel, isKept: boolean): Promise<void> {
    const isHeard = this.#directory !== undefined;
    // Between the store's first word and its last nothing is known of who has what.
    if (isHeard === isKept) return;
    await this.#ipam.follow(addressLevel(level, this.#parts.node));
    if (level.subnets.length > 0) await this.#ipam.serve();
    if (isHeard) await this.#ipam.claimAhead();
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
    const { confDir, socket, isReady } = this.#parts;
    await this.#network.reconcileProxies();
    // Of a pod that is named nothing is known before the store said something, and such are a runtime's.
    if (confDir !== undefined && isReady() && this.#directory !== undefined) await installConflist(confDir, socket);
  }

  /** Gives everything back: no pod is given a network here any more, and those that run have none. */
  async leave(): Promise<void> {
    const { run, lan } = this.#parts;
    await this.#ipam.stop();
    for (const attachment of attachmentsOf(this.#ipam.bindings.values())) await this.#network.del({ attachment });
    await cutOffAll(run, lan().device);
  }
}

/**
 * Takes away what a node's kernel has of pods, whosever they are: for that nobody needs to know what they had.
 * @param nic the LAN's device
 */
export async function cutOffAll(run: Run, nic: string): Promise<void> {
  for (const address of await observeProxies(run, nic)) await stopAnswering(run, nic, address);
  for (const { device } of await observePodWires(run)) await unwirePod(run, device);
}

async function cutOff({ run, lan }: CNIRoleParts, { type, address, attachment }: Binding): Promise<void> {
  await unroutePod(run, podDevice(attachmentKey(attachment)), address);
  if (type === "Underlay") await stopAnswering(run, lan().device, address);
}
