import type { Clock } from "../clock.ts";
import type { Log } from "../log.ts";
import type { HeadRefusal } from "./head.ts";

/** Why something from the mailbox was not believed; `torn-view`: a page is missing or not the one its digest names. */
export type MailboxRefusal = HeadRefusal | "torn-view";

const LOG_EVERY_MS = 60_000;

/** Counts refusals by reason, and logs each reason at most once a minute: a liar must not fill the disk. */
export class Refusals {
  readonly #counts = new Map<MailboxRefusal, number>();
  readonly #loggedAt = new Map<MailboxRefusal, number>();
  readonly #clock: Clock;
  readonly #log: Log;

  constructor(clock: Clock, log: Log) {
    this.#clock = clock;
    this.#log = log;
  }

  /** How often each happened since the start. */
  get counts(): ReadonlyMap<MailboxRefusal, number> {
    return this.#counts;
  }

  add(reason: MailboxRefusal, message: string): void {
    const count = (this.#counts.get(reason) ?? 0) + 1;
    this.#counts.set(reason, count);
    const now = this.#clock.monotonic();
    if (now - (this.#loggedAt.get(reason) ?? -Infinity) < LOG_EVERY_MS) return;
    this.#loggedAt.set(reason, now);
    this.#log.warn({ event: "mailbox-refused", reason, count }, message);
  }
}
