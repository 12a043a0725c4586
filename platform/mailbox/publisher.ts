import type { Clock } from "../clock.ts";
import { hasCode, MeshError, messageOf } from "../errors.ts";
import type { Signer } from "../identity/signature.ts";
import type { Log } from "../log.ts";
import { mailboxSubjects, pageSubject } from "../nats/subjects.ts";
import type { Page } from "./digest.ts";
import { judgeHead, samePages, WIRE_VERSION } from "./head.ts";
import type { Head } from "./head.ts";
import { signText } from "./signed.ts";
import type { StoredHead, ViewBucket } from "./view-bucket.ts";

export interface PublisherParts {
  readonly bucket: ViewBucket;
  readonly mesh: string;
  readonly hub: Signer;
  /** Called when a member's pages are gone from the bucket (the server lost its disk): publish its view again. */
  readonly onLost: (member: string) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends the refreshing. */
  readonly signal: AbortSignal;
}

/** What one member has in the bucket, as far as this hub knows. */
interface Box {
  head: Head | undefined;
  sequence: number;
  /** Digest to the monotonic time since when no head names it; undefined while one does. */
  readonly pages: Map<string, number | undefined>;
  /** What was published last: the same object again is the same view. */
  shown: readonly Page[] | undefined;
  /** The last of its works: one member's are done one after another. */
  tail: Promise<unknown>;
  /** How many works are to come after the one that is being done. */
  waiting: number;
}

function emptyBox(): Box {
  return { head: undefined, sequence: 0, pages: new Map(), shown: undefined, tail: Promise.resolve(), waiting: 0 };
}

export const REFRESH_EVERY_MS = 30_000;
/** A member that reads an old head just now has this long to fetch its pages. */
const UNUSED_KEPT_MS = 600_000;
const HEAD_TRIES = 4;

/** The hub's side of the mailboxes: writes views, keeps their heads fresh, clears away pages out of use. */
export class Publisher {
  readonly #parts: PublisherParts;
  readonly #boxes = new Map<string, Box>();
  /** Settles when refreshing has stopped; rejects with `superseded` when a newer hub writes the mailboxes. */
  readonly done: Promise<void>;

  private constructor(parts: PublisherParts, boxes: ReadonlyMap<string, Box>) {
    this.#parts = parts;
    this.#boxes = new Map(boxes);
    this.done = this.#keepFresh();
    // Whoever awaits `done` learns of it; a process that has not yet come to that must not end as unhandled.
    this.done.catch(() => undefined);
  }

  /** Reads what is in the bucket, so that nothing is written twice, and begins to refresh. */
  static async open(parts: PublisherParts): Promise<Publisher> {
    const unusedSince = parts.clock.monotonic();
    const boxes = [...(await parts.bucket.list())].map(async ([member, digests]): Promise<[string, Box]> => {
      const stored = await parts.bucket.readHead(member);
      const head = stored && ownHead(parts, member, stored);
      const pages = new Map(
        digests.map((digest) => [digest, head?.pages.includes(digest) === true ? undefined : unusedSince]),
      );
      return [member, { ...emptyBox(), head, sequence: stored?.sequence ?? 0, pages }];
    });
    return new Publisher(parts, new Map(await Promise.all(boxes)));
  }

  /** Members that have a mailbox, and the heads in them. */
  heads(): ReadonlyMap<string, Head | undefined> {
    return new Map([...this.#boxes].map(([member, { head }]) => [member, head]));
  }

  /**
   * Makes `pages` the view of `member`: missing pages first, then the head. The same pages in the same epoch are no write.
   * @returns the head that is there now: its epoch and generation are the view's revision
   * @throws MeshError `superseded` (a hub of a later epoch has written), `store-unreachable` (retry)
   */
  publish(member: string, pages: readonly Page[], epoch: number): Promise<Head> {
    return this.#inTurn(member, async (box) => {
      const known = box.head;
      if (known !== undefined && known.epoch > epoch) throw superseded(member, known);
      if (known?.epoch === epoch && box.shown === pages) return known;
      const digests = pages.map(({ digest }) => digest);
      const missing = pages.filter(({ digest }) => !box.pages.has(digest));
      if (known?.epoch === epoch && missing.length === 0 && samePages(known, { pages: digests })) {
        box.shown = pages;
        return known;
      }
      const { mesh, bucket, clock } = this.#parts;
      await Promise.all(missing.map((page) => bucket.writePage(member, page)));
      for (const { digest } of missing) box.pages.set(digest, clock.monotonic());
      const generation = (known?.generation ?? 0) + 1;
      const head = await this.#writeHead(member, box, {
        wireVersion: WIRE_VERSION,
        mesh,
        member,
        epoch,
        generation,
        refresh: 0,
        pages: digests,
      });
      for (const digest of known?.pages ?? []) if (box.pages.has(digest)) box.pages.set(digest, clock.monotonic());
      for (const digest of digests) box.pages.set(digest, undefined);
      box.shown = pages;
      return head;
    });
  }

  /** Removes a member's mailbox: it left, or was taken out. What is published meanwhile comes after. */
  async forget(member: string): Promise<void> {
    await this.#inTurn(member, async (box) => {
      await this.#parts.bucket.purge(mailboxSubjects(member));
      box.head = undefined;
      box.sequence = 0;
      box.pages.clear();
      box.shown = undefined;
      if (box.waiting === 0) this.#boxes.delete(member);
    });
  }

  #inTurn<T>(member: string, work: (box: Box) => Promise<T>): Promise<T> {
    const box = this.#boxes.get(member) ?? emptyBox();
    this.#boxes.set(member, box);
    box.waiting += 1;
    const turn = box.tail.then(() => {
      box.waiting -= 1;
      return work(box);
    });
    box.tail = turn.catch(() => undefined);
    return turn;
  }

  async #writeHead(member: string, box: Box, wanted: Head): Promise<Head> {
    const { bucket, hub } = this.#parts;
    let head = wanted;
    for (let attempt = 0; attempt < HEAD_TRIES; attempt += 1) {
      const text = signText("head", JSON.stringify(head), hub);
      const sequence = await bucket.writeHead(member, text, box.sequence);
      const present = sequence === undefined ? await bucket.readHead(member) : { text, sequence };
      // A server that lost the last it was told, pages perhaps, counts on from before.
      const wentBack = (present?.sequence ?? 0) < box.sequence;
      box.sequence = present?.sequence ?? 0;
      if (present?.text === text) return (box.head = head);
      if (present === undefined || wentBack) this.#lose(member, box);
      const theirs = present && ownHead(this.#parts, member, present);
      if (theirs !== undefined && theirs.epoch > head.epoch) throw superseded(member, theirs);
      // A write of ours whose answer was lost, or somebody's garbage: ours goes on top.
      head = { ...head, generation: Math.max(head.generation, (theirs?.generation ?? 0) + 1) };
    }
    throw new MeshError(
      "store-unreachable",
      `the head of "${member}" is overwritten by somebody each time it is written`,
      { retry: true },
    );
  }

  #lose(member: string, box: Box): never {
    box.pages.clear();
    box.shown = undefined;
    this.#parts.onLost(member);
    throw new MeshError(
      "store-unreachable",
      `NATS lost of the mailbox of "${member}" what it had; it is written anew`,
      {
        retry: true,
      },
    );
  }

  async #keepFresh(): Promise<void> {
    const { clock, signal, log } = this.#parts;
    for (;;) {
      await clock.sleep(REFRESH_EVERY_MS, signal);
      if (signal.aborted) return;
      try {
        await this.#refreshAll();
      } catch (error) {
        if (hasCode(error, "superseded")) throw error;
        if (!signal.aborted) log.warn({ event: "mailbox-refresh-failed", error }, messageOf(error));
      }
    }
  }

  /** A sign of life in every mailbox, and the old pages out of it. */
  async #refreshAll(): Promise<void> {
    await this.#parts.bucket.make();
    const rounds = [...this.#boxes.keys()].map((member) => this.#inTurn(member, (box) => this.#refresh(member, box)));
    const failures = (await Promise.allSettled(rounds)).filter((result) => result.status === "rejected");
    const worst = failures.find(({ reason }) => hasCode(reason, "superseded")) ?? failures[0];
    if (worst !== undefined) throw worst.reason;
  }

  async #refresh(member: string, box: Box): Promise<void> {
    const { bucket, clock } = this.#parts;
    if (box.head !== undefined) await this.#writeHead(member, box, { ...box.head, refresh: box.head.refresh + 1 });
    const unused = [...box.pages].filter(
      ([, since]) => since !== undefined && clock.monotonic() - since >= UNUSED_KEPT_MS,
    );
    for (const [digest] of unused) {
      await bucket.purge(pageSubject(member, digest));
      box.pages.delete(digest);
    }
  }
}

/** What is stored, if this hub (or the one before it) signed it. */
function ownHead({ mesh, hub }: PublisherParts, member: string, { text }: StoredHead): Head | undefined {
  return judgeHead(text, { mesh, member, hubKey: hub.publicKey }, undefined).accepted;
}

function superseded(member: string, { epoch }: Head): MeshError {
  const message = `the mailbox of "${member}" was written by a hub of epoch ${epoch}, which is later than this one's: this hub is no longer the active one`;
  return new MeshError("superseded", message, { retry: false });
}
