import type { Clock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Run } from "../../platform/run.ts";
import { announceOnce } from "../../tunnel/underlay/announce.ts";

export interface AnnouncementParts {
  /** Runs programs on this node. */
  readonly run: Run;
  readonly lan: () => { readonly device: string };
  /** Whether the store, asked now, says that a pod here has the address. @throws MeshError of the store */
  readonly isConfirmed: (address: string) => Promise<boolean>;
  readonly clock: Clock;
  readonly log: Log;
}

/** From one round to the next. */
const ROUND_MS = 60_000;
/** From one address of a round to the next: ten a second, so that a LAN of many pods is not flooded. */
const NEXT_MS = 100;

/**
 * Tells the LAN again, in rounds, what this node answers for. Whoever was told something else since, or nothing because
 * the agent was killed, or a link was out, believes it for a minute at most.
 *
 * Only what the store confirms: a node that was cut off does not know that its pod is on another one by now, and would take
 * the LAN's packets away from there.
 */
export class Announcements {
  readonly #parts: AnnouncementParts;
  readonly #signal: AbortSignal;
  /** When the next round is due, of the monotonic clock. */
  #dueMs = 0;
  #isUnderWay = false;

  /** @param signal ends a round */
  constructor(parts: AnnouncementParts, signal: AbortSignal) {
    this.#parts = parts;
    this.#signal = signal;
  }

  /** Begins a round where one is due, the first at once; one that the store kept from its end is due again. */
  renew(addresses: readonly string[]): void {
    const { clock, log } = this.#parts;
    const now = clock.monotonic();
    if (this.#isUnderWay || now < this.#dueMs) return;
    this.#isUnderWay = true;
    void this.#tell(addresses)
      .then(
        () => (this.#dueMs = now + ROUND_MS),
        (error: unknown) => log.debug({ event: "not-confirmed", error }, messageOf(error)),
      )
      .finally(() => (this.#isUnderWay = false));
  }

  async #tell(addresses: readonly string[]): Promise<void> {
    const { run, lan, isConfirmed, clock, log } = this.#parts;
    const pace = { clock, signal: this.#signal };
    const told = [];
    for (const address of addresses) {
      if (this.#signal.aborted) return;
      if (!(await isConfirmed(address))) continue;
      told.push(announceOnce(run, lan().device, address, pace));
      await clock.sleep(NEXT_MS, this.#signal);
    }
    const failed = (await Promise.all(told)).filter(({ error }) => error !== undefined);
    const [first] = failed;
    if (first === undefined) return;
    const message = `the LAN was not told of ${failed.length} of ${addresses.length} addresses: ${first.error}`;
    log.warn({ event: "not-announced", failed: failed.length }, message);
  }
}
