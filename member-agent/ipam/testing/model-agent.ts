import { ipBlockKind } from "../../../crds/ip-block.ts";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import type { PodFacts } from "../../../mesh/ipam/annotations.ts";
import type { Attachment } from "../../../mesh/ipam/resources.ts";
import type { Clock } from "../../../platform/clock.ts";
import { keyedQueue } from "../../../platform/queue.ts";
import { openStateFolder } from "../../../platform/state-folder.ts";
import type { ResourceStore } from "../../../platform/store/port.ts";
import { Turns } from "../../../platform/turns.ts";
import { silent } from "../../testing/folder.ts";
import { NodeIPAM } from "../node-ipam.ts";
import type { AddressLevel } from "../stock.ts";
import type { Life } from "./life.ts";
import type { MemoryKernel } from "./memory-kernel.ts";

export interface ModelAgentParts {
  readonly node: string;
  readonly kernel: MemoryKernel;
  readonly store: ResourceStore;
  /** State folder, with the journal of the agent before. */
  readonly where: string;
  /** What the store said last to the agent before. */
  readonly lastLevel: AddressLevel | undefined;
  readonly life: Life;
  readonly clock: Clock;
}

/** As much of an agent as addresses need: it follows the store, wires pods, and looks after both. */
export class ModelAgent {
  readonly #parts: ModelAgentParts;
  readonly #turns = new Turns();
  #ipam: NodeIPAM | undefined;
  #level: AddressLevel | undefined;
  readonly #opened = Promise.withResolvers<void>();
  /** Settles when nothing of it is left. */
  readonly done: Promise<void>;

  constructor(parts: ModelAgentParts) {
    this.#parts = parts;
    this.#level = parts.lastLevel;
    this.done = this.#run();
  }

  /** What it goes by: of the store, as it saw it last. */
  get level(): AddressLevel | undefined {
    return this.#level;
  }

  get ipam(): NodeIPAM | undefined {
    return this.#ipam;
  }

  /** Resolves when it has read its disk. */
  get opened(): Promise<void> {
    return this.#opened.promise;
  }

  /** ADD, as the plugin's server does it. @returns the pod's addresses */
  add(facts: PodFacts, attachment: Attachment): Promise<readonly string[]> {
    return this.#turns.take(facts.pod.name, () =>
      this.#turns.take(attachment.sandbox, () => this.#add(facts, attachment)),
    );
  }

  /** DEL */
  del(attachment: Attachment): Promise<void> {
    return this.#turns.take(attachment.sandbox, async () => {
      await this.#parts.life.step();
      this.#parts.kernel.unwire(attachment);
      await this.#ready.release(attachment);
      await this.#parts.life.step();
    });
  }

  /** One pass over everything; what fails is left to the next. */
  async pass(): Promise<void> {
    await this.#follow().catch(() => undefined);
    await this.#ipam?.reconcile().catch(() => undefined);
  }

  async #add(facts: PodFacts, attachment: Attachment): Promise<readonly string[]> {
    const { kernel, life } = this.#parts;
    const ipam = this.#ready;
    try {
      const { bindings, former } = await ipam.allocate(facts, attachment);
      await life.step();
      if (former !== undefined) kernel.unwire(former);
      await life.step();
      const addresses = bindings.map(({ address }) => address);
      kernel.wire(attachment, addresses);
      await life.step();
      return addresses;
    } finally {
      ipam.settle(attachment);
    }
  }

  get #ready(): NodeIPAM {
    if (this.#ipam === undefined) throw new Error("the agent is starting");
    return this.#ipam;
  }

  async #run(): Promise<void> {
    const { node, kernel, where, life, clock } = this.#parts;
    const folder = await openStateFolder(where, silent);
    const wires = kernel.portFor(life.step);
    const ipam = await NodeIPAM.open({ node, folder, wires, clock, log: silent }, life.signal);
    try {
      this.#ipam = ipam;
      this.#opened.resolve();
      await this.#useStore(ipam);
    } catch (error) {
      if (!life.isOver) throw error;
    }
    await ipam.done();
    await folder.unlock();
  }

  async #useStore(ipam: NodeIPAM): Promise<void> {
    const { node, store, life, clock, lastLevel } = this.#parts;
    const options = { concurrency: 1, backoff: { minMs: 200, maxMs: 1_000 }, clock, log: silent };
    const queue = keyedQueue(options, () => this.#follow(), life.signal);
    const changed = (): void => queue.add("level");
    const networks = store.watch(networkKind, changed, life.signal);
    const subnets = store.watch(subnetKind, changed, life.signal);
    const blocks = store.watch(ipBlockKind, changed, life.signal);
    const synced = Promise.all([networks.synced, subnets.synced, blocks.synced]);
    synced.catch(() => undefined);
    if (lastLevel !== undefined) {
      await ipam.follow(lastLevel).catch(() => undefined);
      if (!(await reaches(store))) await ipam.serve();
    }
    const { done } = await ipam.useStore(store, life.signal);
    await synced;
    this.#current = () => ({
      networks: [...networks.objects.values()],
      subnets: [...subnets.objects.values()],
      blocks: [...blocks.objects.values()],
      node: { name: node, labels: {} },
      nodeAddresses: new Map(),
    });
    changed();
    await Promise.all([done, networks.done, subnets.done, blocks.done, queue.done]);
  }

  #current: (() => AddressLevel) | undefined;

  #follow(): Promise<void> {
    return this.#turns.take("level", async () => {
      if (this.#current === undefined) return;
      this.#level = this.#current();
      await this.#ready.follow(this.#level);
      await this.#ready.serve();
      await this.#ready.claimAhead();
    });
  }
}

async function reaches(store: ResourceStore): Promise<boolean> {
  return store.list(networkKind).then(
    () => true,
    () => false,
  );
}
