import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { networkKind } from "../../crds/network.ts";
import { subnetKind } from "../../crds/subnet.ts";
import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import type { Attachment, SubnetSpec } from "../../mesh/ipam/resources.ts";
import type { Clock } from "../../platform/clock.ts";
import { systemClock } from "../../platform/clock.ts";
import { openStateFolder } from "../../platform/state-folder.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { memoryStore } from "../../platform/testing/memory-store.ts";
import type { MemoryClient, MemoryStore, Pause } from "../../platform/testing/memory-store.ts";
import { addressLevel } from "../cni/address-level.ts";
import { attachmentKey } from "../ipam/binding.ts";
import type { Binding } from "../ipam/binding.ts";
import { NodeIPAM } from "../ipam/node-ipam.ts";
import type { AddressLevel } from "../ipam/stock.ts";
import type { ObservedWire } from "../ipam/wires.ts";
import { silent } from "./folder.ts";

/** A cluster's store in memory, and nodes that give addresses; Subnets of Network "lan" are of the machines' LAN. */
export class AddressCluster {
  readonly server: MemoryStore;
  readonly store: ResourceStore;
  readonly clock: Clock;
  /** Folder of the nodes' disks. */
  readonly root: string;
  readonly #nodes: AddressNode[] = [];

  private constructor(root: string, clock: Clock) {
    this.root = root;
    this.clock = clock;
    this.server = memoryStore({ clock, log: silent });
    this.store = this.server.connect().store;
  }

  static async open(
    subnets: Readonly<Record<string, SubnetSpec>>,
    clock: Clock = systemClock,
  ): Promise<AddressCluster> {
    const cluster = new AddressCluster(await mkdtemp(path.join(tmpdir(), "trestle-addresses-")), clock);
    const { store } = cluster;
    await store.create(networkKind, { metadata: { name: "overlay" }, spec: { type: "Overlay", nodeSelector: {} } });
    await store.create(networkKind, { metadata: { name: "lan" }, spec: { type: "Underlay", nodeSelector: {} } });
    for (const [name, spec] of Object.entries(subnets)) await store.create(subnetKind, { metadata: { name }, spec });
    return cluster;
  }

  /** A node that serves. @param disk of one that was there before; another name is a new disk */
  async node(name: string, options: AddressNodeOptions = {}): Promise<AddressNode> {
    const node = await AddressNode.start(this, path.join(this.root, options.disk ?? name), name, options);
    this.#nodes.push(node);
    return node;
  }

  /** What a watch that lags behind nothing would say to a node. */
  async level(node: string): Promise<AddressLevel> {
    const [networks, subnets, blocks] = await Promise.all([
      this.store.list(networkKind),
      this.store.list(subnetKind),
      this.store.list(ipBlockKind),
    ]);
    return addressLevel({ networks, subnets, blocks, nodes: [] }, node);
  }

  async remove(): Promise<void> {
    await Promise.all(this.#nodes.map((node) => node.stop()));
    await rm(this.root, { recursive: true, force: true });
  }
}

export interface AddressNodeOptions {
  readonly disk?: string;
  /** Wires that its kernel has at the start. */
  readonly wires?: readonly ObservedWire[];
  /** MAC addresses on the LAN, by address. */
  readonly lan?: ReadonlyMap<string, string>;
  /** Awaited between a look at the wires and the answer. */
  readonly onLook?: () => Promise<void>;
  /** Called when the routes of an address are taken away. */
  readonly onCut?: (address: string) => void;
  /** Of its connection to the store. */
  readonly pause?: Pause;
  /** The store is silent, and this is what it said last. */
  readonly recalls?: AddressLevel;
}

/** A node's addresses, with a kernel that is a list of wires. */
export class AddressNode {
  readonly name: string;
  readonly ipam: NodeIPAM;
  readonly client: MemoryClient;
  readonly wires: Map<string, ObservedWire>;
  /** Addresses whose routes were taken away. */
  readonly cut: string[];
  readonly #cluster: AddressCluster;
  readonly #ending: AbortController;
  readonly #done: Promise<unknown>;
  #stopped: Promise<void> | undefined;

  private constructor(
    parts: Pick<AddressNode, "name" | "ipam" | "client" | "wires" | "cut">,
    cluster: AddressCluster,
    ending: AbortController,
    done: Promise<unknown>,
  ) {
    this.name = parts.name;
    this.ipam = parts.ipam;
    this.client = parts.client;
    this.wires = parts.wires;
    this.cut = parts.cut;
    this.#cluster = cluster;
    this.#ending = ending;
    this.#done = done;
  }

  static async start(
    cluster: AddressCluster,
    where: string,
    name: string,
    { wires: present = [], lan = new Map(), onLook, onCut, pause, recalls }: AddressNodeOptions,
  ): Promise<AddressNode> {
    const ending = new AbortController();
    const folder = await openStateFolder(where, silent);
    const wires = new Map(present.map((wire) => [wire.attachment ? attachmentKey(wire.attachment) : "?", wire]));
    const cut: string[] = [];
    const port = {
      observe: async () => {
        const seen = [...wires.values()];
        await onLook?.();
        return seen;
      },
      cutOff: async ({ address, attachment }: Binding) => {
        cut.push(address);
        onCut?.(address);
        const key = attachmentKey(attachment);
        const addresses = wires.get(key)?.addresses.filter((each) => each !== address);
        if (addresses !== undefined) wires.set(key, { attachment, addresses });
      },
      probe: async (address: string) => lan.get(address),
      reaches: async () => true,
    };
    const parts = { node: name, folder, wires: port, clock: cluster.clock, log: silent };
    const ipam = await NodeIPAM.open(parts, ending.signal);
    const client = cluster.server.connect(pause);
    if (recalls !== undefined) client.silence();
    const watching = recalls === undefined ? await ipam.useStore(client.store, ending.signal) : undefined;
    const all = Promise.all([watching?.done, ipam.done()]).then(() => folder.unlock());
    const node = new AddressNode({ name, ipam, client, wires, cut }, cluster, ending, all);
    await node.follow(recalls);
    return node;
  }

  /** Takes over what the store says now, or what it is told to. */
  async follow(level?: AddressLevel): Promise<void> {
    await this.ipam.follow(level ?? (await this.#cluster.level(this.name)));
    await this.ipam.serve();
  }

  /** ADD without its wire's programs. @returns addresses */
  async add(facts: PodFacts, sandbox: string): Promise<readonly string[]> {
    const attachment = attachmentOf(sandbox);
    try {
      const { bindings, former } = await this.ipam.allocate(facts, attachment);
      if (former !== undefined) this.wires.delete(attachmentKey(former));
      const addresses = bindings.map(({ address }) => address);
      this.wires.set(attachmentKey(attachment), { attachment, addresses });
      return addresses;
    } finally {
      this.ipam.settle(attachment);
    }
  }

  async del(sandbox: string): Promise<void> {
    this.wires.delete(attachmentKey(attachmentOf(sandbox)));
    await this.ipam.release(attachmentOf(sandbox));
  }

  /** What it has written down: addresses by sandbox. */
  get booked(): Readonly<Record<string, string>> {
    return Object.fromEntries(
      [...this.ipam.bindings.values()].map(({ address, attachment }) => [address, attachment.sandbox]),
    );
  }

  stop(): Promise<void> {
    this.#ending.abort();
    this.#stopped ??= this.#done.then(() => undefined);
    return this.#stopped;
  }
}

export function attachmentOf(sandbox: string): Attachment {
  return { sandbox, interface: "eth0" };
}

/** A pod by itself, or of the set that is named. */
export function factsOf(name: string, annotations: Readonly<Record<string, string>> = {}, set?: string): PodFacts {
  return {
    pod: { namespace: "shop", name, uid: `uid-${name}` },
    annotations,
    namespaceAnnotations: {},
    ...(set !== undefined && { owner: { kind: "StatefulSet", name: set, uid: `uid-${set}` } }),
  };
}
