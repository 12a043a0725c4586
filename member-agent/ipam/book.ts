import { z } from "zod";
import type { Attachment, PodReference } from "../../mesh/ipam/resources.ts";
import type { Journal } from "../../platform/journal.ts";
import { openJournal } from "../../platform/journal.ts";
import type { Log } from "../../platform/log.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import { attachmentKey, binding } from "./binding.ts";
import type { Binding } from "./binding.ts";
import { SetsByKey } from "./sets-by-key.ts";

/** One step that is on disk before anybody hears of it. */
const record = z.discriminatedUnion("op", [
  /** All addresses of one attachment: a pod has all of its families or none. */
  z.object({ op: z.literal("bind"), bindings: z.array(binding) }),
  z.object({ op: z.literal("free"), addresses: z.array(z.string()) }),
  z.object({ op: z.literal("hold"), addresses: z.array(z.string()) }),
  z.object({ op: z.literal("release"), held: z.array(z.string()), freed: z.array(z.string()) }),
  /** All that is withheld from then on. */
  z.object({ op: z.literal("withhold"), ranges: z.array(z.string()) }),
  /** CIDRs of blocks. */
  z.object({ op: z.literal("give-back"), blocks: z.array(z.string()) }),
  z.object({ op: z.literal("take-up"), blocks: z.array(z.string()) }),
]);
type Step = z.infer<typeof record>;

const NAME = "ipam.journal";
const VERSION = 2;
/** A journal is written anew when it has that many batches for each that would do, and a few more. */
const SLACK = { times: 4, more: 1_000 } as const;

/**
 * What this node has given away, on disk before it is answered: bindings, addresses of its blocks that are held for
 * others, blocks that others may have by now, what it has said that it gives only to who names it, and in which order
 * addresses came back.
 */
export class AddressBook {
  readonly #journal: Journal<Step>;
  readonly #bindings = new Map<string, Binding>();
  /** Addresses by attachment, and by pod and interface. */
  readonly #attachments = new SetsByKey<string, string>();
  readonly #pods = new SetsByKey<string, string>();
  readonly #held = new Set<string>();
  readonly #freed = new Set<string>();
  #withheld: readonly string[] = [];
  readonly #leaving = new Set<string>();
  #writing = 0;
  /** Settles when the journal was written anew; nothing is appended meanwhile. */
  #rewriting: PromiseWithResolvers<void> | undefined;

  private constructor(journal: Journal<Step>) {
    this.#journal = journal;
  }

  /** @throws MeshError as {@link openJournal} does */
  static async open(folder: StateFolder, log: Log): Promise<AddressBook> {
    const { journal, records } = await openJournal({ folder, name: NAME, version: VERSION, schema: record, log });
    const book = new AddressBook(journal);
    for (const step of records) book.#note(step);
    return book;
  }

  /** By address. */
  get bindings(): ReadonlyMap<string, Binding> {
    return this.#bindings;
  }

  /** Addresses of this node's blocks that the store keeps for a pod that is not here. */
  get held(): ReadonlySet<string> {
    return this.#held;
  }

  /** Addresses, and ranges as `first-last`, that were reserved when it was last written down; see `withheld.ts`. */
  get withheld(): readonly string[] {
    return this.#withheld;
  }

  /** Addresses that somebody had and nobody has, the one freed longest ago first. */
  get freed(): Iterable<string> {
    return this.#freed;
  }

  /** CIDRs of blocks that were given back, or were to be, and that this node did not take up again. */
  get leaving(): ReadonlySet<string> {
    return this.#leaving;
  }

  /** What an attachment has; empty: nothing. */
  of(attachment: Attachment): readonly Binding[] {
    return this.#attachments.get(attachmentKey(attachment)).flatMap((address) => this.#bindings.get(address) ?? []);
  }

  /** What a pod has by an interface of this name, whichever sandbox it is in. */
  ofPod(pod: PodReference, name: string): readonly Binding[] {
    return this.#pods.get(podKey(pod, name)).flatMap((address) => this.#bindings.get(address) ?? []);
  }

  /**
   * Writes down that an attachment has these addresses; who had them before has them no more.
   * @throws MeshError `journal-failed` (retry): nothing was written down; likewise below
   */
  bind(bindings: readonly Binding[]): Promise<void> {
    return this.#write({ op: "bind", bindings: [...bindings] });
  }

  /** Nobody has them any more. */
  free(addresses: readonly string[]): Promise<void> {
    return this.#write({ op: "free", addresses: [...addresses] });
  }

  /** The store keeps them for somebody who is not here. */
  hold(addresses: readonly string[]): Promise<void> {
    return this.#write({ op: "hold", addresses: [...addresses] });
  }

  /** From now on these are given only to who names them, and no others. */
  withhold(ranges: readonly string[]): Promise<void> {
    return this.#write({ op: "withhold", ranges: [...ranges] });
  }

  /** Nobody here has what an attachment had: all of it at once, as it was bound. */
  release({ held, freed }: { readonly held: readonly string[]; readonly freed: readonly string[] }): Promise<void> {
    return this.#write({ op: "release", held: [...held], freed: [...freed] });
  }

  /** Nothing is issued from these blocks any more, whatever the store said of them before. */
  giveBack(blocks: readonly string[]): Promise<void> {
    return this.#write({ op: "give-back", blocks: [...blocks] });
  }

  /** The store says that they are this node's, anew or still. */
  takeUp(blocks: readonly string[]): Promise<void> {
    return this.#write({ op: "take-up", blocks: [...blocks] });
  }

  async close(): Promise<void> {
    await this.#rewriting?.promise;
    await this.#journal.close();
  }

  async #write(step: Step): Promise<void> {
    // Not even a turn of the event loop may lie between the look and the append: a rewrite would begin in it.
    while (this.#rewriting !== undefined) await this.#rewriting.promise;
    this.#writing += 1;
    try {
      await this.#journal.append(step);
      this.#note(step);
    } finally {
      this.#writing -= 1;
      void this.#rewriteWhenDue();
    }
  }

  #note(step: Step): void {
    switch (step.op) {
      case "bind":
        for (const each of step.bindings) this.#set(each.address, each);
        return;
      case "withhold":
        this.#withheld = step.ranges;
        return;
      case "give-back":
        for (const cidr of step.blocks) this.#leaving.add(cidr);
        return;
      case "take-up":
        for (const cidr of step.blocks) this.#leaving.delete(cidr);
        return;
      case "free":
        return this.#vacate(step.addresses, this.#freed);
      case "hold":
        return this.#vacate(step.addresses, this.#held);
      case "release":
        this.#vacate(step.held, this.#held);
        this.#vacate(step.freed, this.#freed);
    }
  }

  #vacate(addresses: readonly string[], into: Set<string>): void {
    for (const address of addresses) {
      this.#set(address, undefined);
      into.add(address);
    }
  }

  #set(address: string, next: Binding | undefined): void {
    this.#freed.delete(address);
    this.#held.delete(address);
    const before = this.#bindings.get(address);
    if (before !== undefined) for (const [index, key] of this.#keysOf(before)) index.delete(key, address);
    if (next === undefined) {
      this.#bindings.delete(address);
      return;
    }
    this.#bindings.set(address, next);
    for (const [index, key] of this.#keysOf(next)) index.add(key, address);
  }

  #keysOf({ attachment, pod }: Binding): [SetsByKey<string, string>, string][] {
    return [
      [this.#attachments, attachmentKey(attachment)],
      [this.#pods, podKey(pod, attachment.interface)],
    ];
  }

  /** Once nobody is appending: what waits for the disk now begins after it. */
  async #rewriteWhenDue(): Promise<void> {
    const isDue = this.#journal.length > this.#attachments.size * SLACK.times + SLACK.more;
    if (isDue) this.#rewriting ??= Promise.withResolvers();
    if (this.#rewriting === undefined || this.#writing > 0) return;
    // A disk that is full keeps the journal as it was: long, and whole.
    await this.#journal.rewrite(this.#steps()).catch(() => undefined);
    this.#rewriting.resolve();
    this.#rewriting = undefined;
  }

  #steps(): Step[] {
    return [
      { op: "free", addresses: [...this.#freed] },
      { op: "hold", addresses: [...this.#held] },
      { op: "withhold", ranges: [...this.#withheld] },
      { op: "give-back", blocks: [...this.#leaving] },
      { op: "bind", bindings: [...this.#bindings.values()] },
    ];
  }
}

/** Of an interface of a pod: names are given again, and of a uid a runtime may know nothing. */
function podKey({ namespace, name, uid }: PodReference, ofInterface: string): string {
  return `${namespace}/${name}/${uid}/${ofInterface}`;
}
