import { cpSync, mkdirSync } from "node:fs";
import { setTimeout as delay } from "node:timers/promises";
import path from "node:path";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { subnetSpec } from "../../../mesh/ipam/testing/objects.ts";
import type { SubnetSpec } from "../../../mesh/ipam/resources.ts";
import type { ResourceStore } from "../../../platform/store/port.ts";
import { manualClock } from "../../../platform/testing/manual-clock.ts";
import type { ManualClock } from "../../../platform/testing/manual-clock.ts";
import { memoryStore } from "../../../platform/testing/memory-store.ts";
import type { MemoryClient, MemoryStore, Snapshot } from "../../../platform/testing/memory-store.ts";
import { silent } from "../../testing/folder.ts";
import { Life, seeded } from "./life.ts";
import { MemoryKernel } from "./memory-kernel.ts";
import { ModelAgent } from "./model-agent.ts";

/** Subnets of a cluster in a test, by name; those of Network "lan" are underlays. */
export type Subnets = Readonly<Record<string, SubnetSpec>>;

/** Room for everybody: eight blocks of eight of each family, and twelve addresses of the LAN. */
export const AMPLE: Subnets = {
  pods4: subnetSpec("10.0.0.0/26", { blockSize: 29, reservedIPs: ["10.0.0.56-10.0.0.59"] }),
  pods6: subnetSpec("fd00::/122", { blockSize: 125, reservedIPs: ["fd00::38-fd00::3b"] }),
  hall: subnetSpec("192.168.1.0/24", { network: "lan", range: { start: "192.168.1.64", end: "192.168.1.75" } }),
};
/** Never enough: four blocks of four of IPv4, where one address is nobody's, two of eight of IPv6, three of the LAN. */
export const TIGHT: Subnets = {
  pods4: subnetSpec("10.0.0.0/28", { blockSize: 30, reservedIPs: ["10.0.0.14"] }),
  pods6: subnetSpec("fd00::/124", { blockSize: 125, reservedIPs: ["fd00::e"] }),
  hall: subnetSpec("192.168.1.0/24", { network: "lan", range: { start: "192.168.1.64", end: "192.168.1.66" } }),
};

/** A machine: its kernel and its disk stay, agents come and go. */
export class ModelNode {
  readonly name: string;
  readonly kernel = new MemoryKernel();
  readonly #cluster: ModelCluster;
  #client!: MemoryClient;
  #life!: Life;
  #agent!: ModelAgent;
  #agents = 0;
  #isCut = false;
  readonly #done: Promise<void>[] = [];

  constructor(name: string, cluster: ModelCluster) {
    this.name = name;
    this.#cluster = cluster;
    this.#start(undefined);
  }

  get agent(): ModelAgent {
    return this.#agent;
  }

  get life(): Life {
    return this.#life;
  }

  cut(): void {
    this.#isCut = true;
    this.#client.silence();
  }

  mend(): void {
    if (!this.#isCut) return;
    this.#isCut = false;
    this.#client.resume();
  }

  async remove(): Promise<void> {
    this.#isOver = true;
    this.#life.end();
    await Promise.all(this.#done);
  }
  #isOver = false;

  /** The next agent finds what was on disk in the moment the one before ended. */
  #start(before: ModelAgent | undefined): void {
    const { root, clock, server, random } = this.#cluster;
    const where = path.join(root, `${this.name}-${this.#agents}`);
    const next = path.join(root, `${this.name}-${this.#agents + 1}`);
    this.#agents += 1;
    mkdirSync(where, { recursive: true });
    const life = new Life(random, () => {
      if (this.#isOver) return;
      cpSync(where, next, { recursive: true, filter: (file) => !path.basename(file).startsWith("lock") });
      this.#start(agent);
    });
    const client = server.connect(life.step);
    if (this.#isCut) client.silence();
    const { name: node, kernel } = this;
    const lastLevel = before?.level;
    const agent = new ModelAgent({ node, kernel, store: client.store, where, lastLevel, life, clock });
    this.#done.push(agent.done);
    [this.#client, this.#life, this.#agent] = [client, life, agent];
  }
}

/** Nodes, and the store that they share. */
export class ModelCluster {
  readonly root: string;
  readonly clock: ManualClock;
  readonly random: () => number;
  readonly server: MemoryStore;
  /** As an admin's or a controller's client, which is never cut off. */
  readonly store: ResourceStore;
  readonly nodes: readonly ModelNode[];
  #snapshot: Snapshot;

  private constructor(root: string, names: readonly string[], seed: number, server: MemoryStore, clock: ManualClock) {
    this.root = root;
    this.clock = clock;
    this.random = seeded(seed);
    this.server = server;
    this.store = server.connect().store;
    this.#snapshot = server.snapshot();
    this.nodes = names.map((name) => new ModelNode(name, this));
  }

  /** @param root folder for the nodes' disks */
  static async open(root: string, names: readonly string[], subnets: Subnets, seed: number): Promise<ModelCluster> {
    const clock = manualClock();
    const server = memoryStore({ clock, log: silent });
    const { store } = server.connect();
    await store.create(networkKind, { metadata: { name: "overlay" }, spec: { type: "Overlay", nodeSelector: {} } });
    await store.create(networkKind, { metadata: { name: "lan" }, spec: { type: "Underlay", nodeSelector: {} } });
    for (const [name, spec] of Object.entries(subnets)) await store.create(subnetKind, { metadata: { name }, spec });
    return new ModelCluster(root, names, seed, server, clock);
  }

  keepSnapshot(): void {
    this.#snapshot = this.server.snapshot();
  }

  restore(): void {
    this.server.restore(this.#snapshot);
  }

  /** Lets what is under way go on for so many turns of the event loop, and time pass meanwhile: `ms` a turn. */
  async passTurns(count: number, ms = 5): Promise<void> {
    for (let n = 1; n <= count; n += 1) {
      await this.clock.advance(ms);
      // Disks are real, and slower than turns.
      if (n % 5 === 0) await delay(1);
    }
  }

  /** Lets time pass until an answer is there. */
  async passUntil(answer: Promise<void>): Promise<void> {
    let isThere = false;
    const noted = answer.finally(() => (isThere = true));
    noted.catch(() => undefined);
    while (!isThere) await this.passTurns(5);
    await noted;
  }

  /** Everybody can reach the store, and looks after everything once more. @param seconds that pass, at least */
  async round(seconds: number): Promise<void> {
    for (const node of this.nodes) node.mend();
    await Promise.all(this.nodes.map(({ agent }) => agent.opened));
    const passes = Promise.all(this.nodes.map(({ agent }) => agent.pass()));
    await this.passTurns(50, seconds * 20);
    await passes;
  }

  async remove(): Promise<void> {
    await Promise.all(this.nodes.map((node) => node.remove()));
  }
}
