import type { Msg, NatsConnection, Subscription } from "@nats-io/nats-core";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { downSubjects, headSubject, parseMeshSubject } from "../nats/subjects.ts";
import { digestOf } from "./digest.ts";
import { directGet } from "./direct-get.ts";
import { fetchPages } from "./fetch-pages.ts";
import { isSameRevision, isStale, judgeHead, verifyStored } from "./head.ts";
import type { Head, Pins, StoredView } from "./head.ts";
import { PageCache } from "./page-cache.ts";
import { Refusals } from "./refusals.ts";
import type { MailboxRefusal } from "./refusals.ts";

/** A view that was believed: every page matches its digest, the hub signed the head, for this member. */
export interface AcceptedView extends StoredView {
  readonly head: Head;
}

export interface ReaderParts {
  /** A connection with the member's credential. */
  readonly nc: NatsConnection;
  readonly pins: Pins;
  /** The view kept on disk: nothing older is believed. */
  readonly lastGood?: StoredView | undefined;
  /** Called for each newer view, in order. */
  readonly onView: (view: AcceptedView) => void;
  readonly clock: Clock;
  readonly log: Log;
  /** Uniform in [0, 1): Math.random unless told. */
  readonly random?: () => number;
  /** Ends the reading. */
  readonly signal: AbortSignal;
}

interface SignedHead {
  readonly head: Head;
  readonly text: string;
}

/** The mailbox is read once in a while though changes are pushed: a push may be lost. */
const READ_EVERY_MS = 30_000;
const RETRY_MIN_MS = 100;
const RETRY_MAX_MS = 10_000;
/** After NATS came back, members read within this time, not all at once. */
const RECONNECT_SPREAD_MS = 1_000;

/** The member's side of its mailbox. Who asks for the present view asks `onView`'s last; it stays until a newer one is whole. */
export class MailboxReader {
  readonly #parts: ReaderParts;
  readonly #cache = new PageCache();
  readonly #refusals: Refusals;
  #applied: SignedHead | undefined;
  /** Believed, newer than the applied one, pages not all here. */
  #wanted: SignedHead | undefined;
  #wantedIsDue = false;
  #failures = 0;
  #lastRefreshAt: number;
  #saidStale = false;
  #readAt: number;
  #nap = new AbortController();
  /** Settles when reading has stopped. */
  readonly done: Promise<void>;

  constructor(parts: ReaderParts) {
    this.#parts = parts;
    this.#refusals = new Refusals(parts.clock, parts.log);
    this.#lastRefreshAt = parts.clock.monotonic();
    this.#readAt = parts.clock.monotonic();
    if (parts.lastGood !== undefined) this.#recall(parts.lastGood);
    this.done = this.#run();
  }

  /** The head of the present view, with the newest refresh counter. */
  get head(): Head | undefined {
    return this.#applied?.head;
  }

  /** Monotonic milliseconds of the hub's last sign of life for the present view; before any, of the start. */
  get lastRefreshAt(): number {
    return this.#lastRefreshAt;
  }

  /** True when the hub has shown no sign of life for 90 s, be it gone, unreachable, or held back by someone. */
  get stale(): boolean {
    return isStale(this.#lastRefreshAt, this.#parts.clock.monotonic());
  }

  /** What was not believed, by reason, since the start. */
  get refusals(): ReadonlyMap<MailboxRefusal, number> {
    return this.#refusals.counts;
  }

  #recall(stored: StoredView): void {
    const verdict = verifyStored(stored, this.#parts.pins);
    if (verdict.accepted === undefined) {
      this.#refusals.add(verdict.refused, `the view on disk is not believed: ${verdict.message}`);
      return;
    }
    this.#applied = { head: verdict.accepted, text: stored.signedHead };
    for (const page of stored.pages) this.#cache.put(digestOf(page), page);
  }

  async #run(): Promise<void> {
    const { clock, signal } = this.#parts;
    let pushed = this.#subscribe();
    void this.#watchReconnects();
    const stop = (): void => this.#nap.abort();
    signal.addEventListener("abort", stop, { once: true });
    while (!signal.aborted) {
      this.#noteStaleness();
      if (clock.monotonic() >= this.#readAt) {
        if (pushed.isClosed() && !this.#parts.nc.isClosed()) pushed = this.#subscribe();
        await this.#readHead();
      }
      if (this.#wanted !== undefined && this.#wantedIsDue) await this.#collect(this.#wanted);
      else await this.#sleep();
    }
    signal.removeEventListener("abort", stop);
    pushed.unsubscribe();
  }

  /** A server that refuses the subscription ends it and tells in the connection's status; it is made again at the next read. */
  #subscribe(): Subscription {
    const { nc, pins } = this.#parts;
    const callback = (error: Error | null, message: Msg): void => {
      if (error === null) this.#hear(message);
    };
    return nc.subscribe(downSubjects(pins.member), { callback });
  }

  async #sleep(): Promise<void> {
    const { clock, signal } = this.#parts;
    this.#nap = new AbortController();
    if (signal.aborted || this.#wantedIsDue) return;
    await clock.sleep(Math.max(0, this.#readAt - clock.monotonic()), this.#nap.signal);
  }

  #hear(message: Msg): void {
    const { kind, rest } = parseMeshSubject(message.subject) ?? {};
    if (kind !== "dn" || rest === undefined) return;
    if (rest === "head") this.#offer(message.string());
    else if (this.#cache.put(rest.replace(/^pg\./, ""), message.string())) this.#cache.trim(this.#needed());
    else this.#refusals.add("torn-view", `a page came on ${message.subject} that is not the one its digest names`);
  }

  /** Judges at once, so that what is not believed never takes the place of what is. */
  #offer(text: string): void {
    const verdict = judgeHead(text, this.#parts.pins, (this.#wanted ?? this.#applied)?.head);
    if (verdict.accepted === undefined) return this.#refusals.add(verdict.refused, verdict.message);
    const signed = { head: verdict.accepted, text };
    if (verdict.news === "view") {
      this.#wanted = signed;
      this.#wantedIsDue = true;
      this.#nap.abort();
    } else if (this.#wanted !== undefined) {
      this.#wanted = signed;
    } else {
      this.#applied = signed;
      if (verdict.news === "refresh") this.#lastRefreshAt = this.#parts.clock.monotonic();
    }
  }

  async #readHead(): Promise<void> {
    const { nc, pins, log, signal } = this.#parts;
    try {
      const text = await directGet(nc, headSubject(pins.member));
      this.#readIn(READ_EVERY_MS);
      if (text !== undefined) this.#offer(text);
      if (this.#wanted === undefined) this.#failures = 0;
      else this.#wantedIsDue = true;
    } catch (error) {
      if (signal.aborted) return;
      log.debug({ event: "mailbox-read-failed", error }, messageOf(error));
      this.#readAgainSoon();
    }
  }

  /** Fetches what is missing of a view and applies it when it is whole; else the head is read again after a while. */
  async #collect({ head }: SignedHead): Promise<void> {
    this.#wantedIsDue = false;
    const { nc, pins, clock, onView, signal } = this.#parts;
    const torn = await fetchPages(nc, pins.member, head.pages, this.#cache);
    if (signal.aborted) return;
    // Meanwhile a refresh of the same view may have come, which belongs to it, or a newer view, which is next.
    const latest = this.#wanted;
    if (latest === undefined || !isSameRevision(latest.head, head)) return;
    const pages = head.pages.map((digest) => this.#cache.get(digest)).filter((page) => page !== undefined);
    if (torn !== undefined || pages.length < head.pages.length) {
      this.#refusals.add("torn-view", `a view is not whole and the last good one stays: ${torn}`);
      return this.#readAgainSoon();
    }
    this.#wanted = undefined;
    this.#applied = latest;
    this.#failures = 0;
    this.#lastRefreshAt = clock.monotonic();
    this.#cache.trim(this.#needed());
    onView({ head: latest.head, signedHead: latest.text, pages });
  }

  #needed(): readonly string[] {
    return [...(this.#applied?.head.pages ?? []), ...(this.#wanted?.head.pages ?? [])];
  }

  #readIn(ms: number): void {
    const { clock, random = Math.random } = this.#parts;
    this.#readAt = clock.monotonic() + ms * (0.75 + random() / 2);
  }

  #readAgainSoon(): void {
    this.#readIn(Math.min(RETRY_MIN_MS * 2 ** this.#failures, RETRY_MAX_MS));
    this.#failures += 1;
  }

  async #watchReconnects(): Promise<void> {
    const { nc, clock, random = Math.random, signal } = this.#parts;
    for await (const status of nc.status()) {
      if (signal.aborted) return;
      if (status.type !== "reconnect") continue;
      this.#readAt = Math.min(this.#readAt, clock.monotonic() + random() * RECONNECT_SPREAD_MS);
      this.#nap.abort();
    }
  }

  #noteStaleness(): void {
    const { log, clock } = this.#parts;
    if (this.stale === this.#saidStale) return;
    this.#saidStale = this.stale;
    const silentMs = Math.round(clock.monotonic() - this.#lastRefreshAt);
    if (this.stale)
      log.warn(
        { event: "mailbox-stale", silentMs },
        "the hub has shown no sign of life for 90 s; the last good view stays",
      );
    else log.info({ event: "mailbox-fresh" }, "the hub shows signs of life again");
  }
}
