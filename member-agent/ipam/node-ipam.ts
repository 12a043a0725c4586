import { ipInstanceKind } from "../../crds/ip-instance.ts";
import type { Attachment, IPInstance, PodReference } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import type { Clock } from "../../platform/clock.ts";
import { MeshError } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { keyedQueue } from "../../platform/queue.ts";
import type { KeyedQueue } from "../../platform/queue.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import type { Change, ResourceStore } from "../../platform/store/port.ts";
import { Turns } from "../../platform/turns.ts";
import { adoptWires } from "./adopt.ts";
import { Allocator } from "./allocator.ts";
import type { Allocation } from "./allocation.ts";
import type { AskedFacts } from "./asked.ts";
import { attachmentKey } from "./binding.ts";
import type { Binding } from "./binding.ts";
import { AddressBook } from "./book.ts";
import { lend } from "./lending.ts";
import { freeOrphans } from "./orphans.ts";
import { addressesInDoubt, checkBlocks, claimsOfOthers, reclaimBlock, reconcileAddress } from "./reconciler.ts";
import type { ReconcilerParts } from "./reconciler.ts";
import { AddressStock } from "./stock.ts";
import type { AddressLevel } from "./stock.ts";
import { takeUpBlock } from "./take-up.ts";
import { claimAhead, giveBack, reportCounts } from "./upkeep.ts";
import type { PodWires } from "./wires.ts";
import { issueAgain, sayWithheld } from "./withheld.ts";

export interface NodeIPAMParts {
  readonly node: string;
  readonly folder: StateFolder;
  readonly wires: PodWires;
  readonly clock: Clock;
  readonly log: Log;
}

/** How long an address that somebody on the LAN has is left alone. */
const CONFLICT_MS = 10 * 60_000;
/** Turn of what is said of reserved addresses; those of pods have a slash. */
const WITHHELD = "withheld";
/** How many addresses' objects are written at a time. */
const WRITERS = 16;

/**
 * Addresses of this node's pods. What is in its own blocks it gives without asking anybody; the store hears of it behind
 * its back, and decides of the rest.
 */
export class NodeIPAM {
  readonly #parts: NodeIPAMParts;
  readonly #stock: AddressStock;
  readonly #allocator: Allocator;
  readonly #queue: KeyedQueue;
  readonly #turns = new Turns();
  /** Keys of attachments that were asked for since the last look for orphans began. */
  readonly #asked = new Set<string>();
  #serving = false;

  private constructor(parts: NodeIPAMParts, book: AddressBook, signal: AbortSignal) {
    const { clock, log, wires } = parts;
    this.#parts = parts;
    this.#stock = new AddressStock(parts.node, book);
    this.#allocator = new Allocator({
      stock: this.#stock,
      probe: (address) => wires.probe(address),
      reaches: (gateway) => wires.reaches(gateway),
      clock,
      signal,
      log,
    });
    this.#queue = keyedQueue(
      { concurrency: WRITERS, backoff: { minMs: 200, maxMs: 10_000 }, clock, log },
      (address) => reconcileAddress(this.#reconciling, address),
      signal,
    );
  }

  /**
   * Opens the book of the state folder.
   * @throws MeshError `journal-newer`, `journal-corrupt`, `state-unusable`
   */
  static async open(parts: NodeIPAMParts, signal: AbortSignal): Promise<NodeIPAM> {
    return new NodeIPAM(parts, await AddressBook.open(parts.folder, parts.log), signal);
  }

  /** Settles when all has stopped and the book is closed, after the signal aborted. */
  async done(): Promise<void> {
    await this.#queue.done;
    await this.#stock.book.close();
  }

  /** Whether it knows enough to give addresses. */
  get serving(): boolean {
    return this.#serving;
  }

  /** What this node's pods have, by address. */
  get bindings(): ReadonlyMap<string, Binding> {
    return this.#stock.book.bindings;
  }

  /** CIDRs that this node issues from. */
  get blocks(): readonly string[] {
    return this.#stock.blocks.cidrs;
  }

  /** What is known of a pod that has addresses here, by this attachment or by another one of the same interface. */
  podOf(attachment: Attachment, pod: PodReference | undefined): AskedFacts | undefined {
    const { book } = this.#stock;
    const [own] = [...book.of(attachment), ...(pod === undefined ? [] : book.ofPod(pod, attachment.interface))];
    return own && { pod: own.pod, owner: own.owner, annotations: {}, namespaceAnnotations: {}, isPartial: true };
  }

  /** What an attachment has; empty: nothing. */
  of(attachment: Attachment): readonly Binding[] {
    return this.#stock.book.of(attachment);
  }

  /** Of what an attachment has, what the store said last is others'. */
  claimsOfOthers(attachment: Attachment): readonly IPInstance[] {
    return claimsOfOthers(this.#stock, attachment);
  }

  /** Whether a pod here has an address, and the store, asked now, says that this node's has. @throws MeshError of the store */
  async isConfirmed(address: string): Promise<boolean> {
    const { book, node } = this.#stock;
    const present = await this.#stock.requireStore().get(ipInstanceKind, objectNameOfAddress(address));
    return book.bindings.has(address) && present?.spec.node === node;
  }

  /** Takes over what the store says of Networks, Subnets, blocks and this node. */
  async follow(level: AddressLevel): Promise<void> {
    const { vanished, appeared } = this.#stock.follow(level, this.#serving);
    for (const cidr of vanished) await reclaimBlock(this.#reconciling, cidr);
    for (const cidr of appeared) await takeUpBlock(this.#stock, cidr);
    if (!this.#serving || this.#stock.store === undefined) return;
    await lend(this.#stock);
    await this.#sayWithheld();
  }

  /** Watches addresses in the store, until the signal aborts; resolves once it has seen all. */
  async useStore(store: ResourceStore, signal: AbortSignal): Promise<{ readonly done: Promise<void> }> {
    const watch = store.watch(ipInstanceKind, (change) => this.#note(change), signal);
    await watch.synced;
    this.#stock.store = store;
    this.#stock.catchUp = () => watch.catchUp();
    return { done: watch.done };
  }

  /** From now on it gives addresses: on what the store says, or, where that is silent, on what it said last. */
  async serve(): Promise<void> {
    if (this.#serving) return;
    await adoptWires(this.#stock, await this.#parts.wires.observe(), this.#reconciling);
    this.#serving = true;
    this.#doubtAll();
  }

  /**
   * The addresses of a pod's sandbox; see {@link Allocator.allocate}. Until {@link settle} the attachment is taken to be
   * under way: it may have no wire yet.
   */
  async allocate(facts: AskedFacts, attachment: Attachment): Promise<Allocation> {
    if (!this.#serving) {
      throw new MeshError("starting", "this node does not know its addresses yet; it will in a moment", {
        retry: true,
      });
    }
    this.#stock.busy.add(attachmentKey(attachment));
    this.#asked.add(attachmentKey(attachment));
    return this.#inTurn(facts.pod, async () => {
      const allocation = await this.#allocator.allocate(facts, attachment);
      this.#wake(allocation.bindings);
      return allocation;
    });
  }

  /** Gives nothing any more, and forgets which blocks were this node's: the member has left. */
  async stop(): Promise<void> {
    this.#serving = false;
    this.#stock.forgetBlocks();
    const { held } = this.#stock.book;
    if (held.size > 0) await this.#stock.book.free([...held]);
  }

  /** Whether an ADD is at work on it: it may have no wire yet. */
  isBusy(attachment: Attachment): boolean {
    return this.#stock.isBusy(attachment);
  }

  /** The attachment has its wire, or never will. */
  settle(attachment: Attachment): void {
    this.#stock.busy.delete(attachmentKey(attachment));
  }

  /**
   * An attachment's addresses are free, or kept in the store where they are retained; nobody else's are touched.
   * @throws MeshError `journal-failed` (retry)
   */
  async release(attachment: Attachment): Promise<void> {
    const [binding] = this.of(attachment);
    if (binding !== undefined) await this.#inTurn(binding.pod, () => this.#release(attachment));
  }

  async #release(attachment: Attachment): Promise<void> {
    const { book, blocks } = this.#stock;
    const bindings = book.of(attachment);
    const addresses = (of: readonly Binding[]): string[] => of.map(({ address }) => address);
    const isKept = ({ address, retained }: Binding): boolean => retained && blocks.includes(address);
    const held = addresses(bindings.filter(isKept));
    const freed = addresses(bindings.filter((each) => !isKept(each)));
    if (bindings.length > 0) await book.release({ held, freed });
    for (const address of freed) blocks.release(address);
    this.#wake(bindings);
  }

  /** Claims blocks before they are needed. @throws MeshError of the store (retry) */
  async claimAhead(): Promise<void> {
    if (this.#serving) await claimAhead(this.#stock, this.#allocator);
  }

  /**
   * One pass: whoever has no wire is gone, what the store and the book disagree about is settled, and what is whole and
   * empty is given back.
   * @throws MeshError of the store (retry)
   */
  async reconcile(): Promise<void> {
    if (!this.#serving) return;
    const release = (attachment: Attachment): Promise<void> => this.#release(attachment);
    await freeOrphans({ ...this.#reconciling, wires: this.#parts.wires, asked: this.#asked, release });
    this.#doubtAll();
    this.#forgetConflicts();
    const { underlays, claiming, book } = this.#stock;
    underlays.giveBack((address) => claiming.has(address) || book.bindings.has(address));
    await checkBlocks(this.#reconciling);
    await giveBack(this.#stock);
    await reportCounts(this.#stock);
    if (this.#stock.store === undefined) return;
    await this.#sayWithheld();
    await this.#turns.take(WITHHELD, () => issueAgain(this.#stock));
  }

  #sayWithheld(): Promise<void> {
    return this.#turns.take(WITHHELD, () => sayWithheld(this.#stock));
  }

  #forgetConflicts(): void {
    for (const [address, { subnet, sinceMs }] of this.#allocator.conflicts) {
      if (this.#parts.clock.monotonic() - sinceMs < CONFLICT_MS) continue;
      this.#allocator.conflicts.delete(address);
      this.#stock.underlays.release(subnet, address);
    }
  }

  #note(change: Change<IPInstance>): void {
    const { index, underlays, book, blocks, node } = this.#stock;
    const address = change.op === "put" ? change.object.spec.address : index.named(change.name)?.spec.address;
    index.note(change);
    underlays.note(change);
    if (address === undefined || !this.#serving) return;
    const isForeign = change.op === "put" && change.object.spec.node !== node && blocks.includes(address);
    if (isForeign || book.bindings.has(address) || book.held.has(address)) this.#queue.add(address);
  }

  #doubtAll(): void {
    if (this.#stock.store === undefined) return;
    for (const address of addressesInDoubt(this.#stock)) this.#queue.add(address);
  }

  #wake(bindings: readonly Binding[]): void {
    if (this.#stock.store === undefined) return;
    for (const { address } of bindings) this.#queue.add(address);
  }

  /** What a pod's former sandbox gives back and what its next one is given are one after the other. */
  #inTurn<T>({ namespace, name }: PodReference, act: () => Promise<T>): Promise<T> {
    return this.#turns.take(`${namespace}/${name}`, act);
  }

  get #reconciling(): ReconcilerParts {
    const { wires, log } = this.#parts;
    return {
      stock: this.#stock,
      cutOff: (binding) => wires.cutOff(binding),
      inTurn: (pod, act) => this.#inTurn(pod, act),
      log,
    };
  }
}
