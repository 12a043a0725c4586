import type { Clock } from "./clock.ts";
import { hasCode, messageOf } from "./errors.ts";
import type { Log } from "./log.ts";

/** Who holds a lease, kept under one key of a store. */
export interface LeaseRecord {
  /** Empty: given up. */
  readonly holder: string;
  /** One more with each new holder, never less: what a holder does can be told from what its predecessor did. */
  readonly term: number;
  /** Counts the holder's signs of life. */
  readonly renewals: number;
}

/** A store with compare-and-swap, as far as leases need it. */
export interface LeaseStore {
  readLease(name: string): Promise<{ readonly record: LeaseRecord; readonly revision: string } | undefined>;
  /** Writes if the present revision is `revision` (undefined: there is none yet), and returns the new one. Throws `conflict`. */
  writeLease(name: string, record: LeaseRecord, revision: string | undefined): Promise<string>;
}

export interface LeaseOptions {
  readonly store: LeaseStore;
  readonly name: string;
  /** Of this process and no other, also none of the past: have a random part in it. */
  readonly holder: string;
  /** How long a holder may be silent before another takes over, milliseconds. */
  readonly holdMs: number;
  /** Between signs of life, and between looks of a standby; a fifth of `holdMs` or less. */
  readonly renewMs: number;
  /** The term will be above this too: what the caller remembers from before the store was lost. */
  readonly aboveTerm?: number;
  readonly clock: Clock;
  readonly log: Log;
}

/** What the holder works under. */
export interface HeldLease {
  readonly term: number;
  /** Aborts when the lease is lost, before another can take it, or when the work is to end. */
  readonly signal: AbortSignal;
  /** True while no other can hold it; for the moment before something that only the holder may do. */
  isHeld(): boolean;
}

/** Part of the hold time the holder does not use: for clocks that run apart, and timers that are late. */
const MARGIN = 0.2;

/**
 * Waits for the lease, runs `work` while holding it, waits again when it was lost, until `signal` aborts or `work` ends
 * by itself; then gives the lease up, so that a standby need not wait. Settles when all has stopped; rejects with what
 * `work` throws while the lease is held.
 *
 * Nobody's clock is compared with another's: a standby takes over when it has seen no new revision for `holdMs` of its
 * own time, a holder stops at `holdMs` less a margin after it *began* its last successful write.
 */
export async function holdLease(
  options: LeaseOptions,
  work: (lease: HeldLease) => Promise<void>,
  signal: AbortSignal,
): Promise<void> {
  let aboveTerm = options.aboveTerm ?? 0;
  while (!signal.aborted) {
    const taken = await takeLease({ ...options, aboveTerm }, signal);
    if (taken === undefined) return;
    aboveTerm = taken.term;
    options.log.info({ event: "lease-taken", lease: options.name, term: taken.term }, `holding ${options.name}`);
    const lost = await workUnderLease(options, taken, work, signal);
    if (!lost) return;
    options.log.warn({ event: "lease-lost", lease: options.name, term: taken.term }, `lost ${options.name}`);
  }
}

interface Taken {
  readonly term: number;
  readonly revision: string;
  /** Monotonic time at which the write began that made it ours. */
  readonly since: number;
}

/** Undefined when the signal aborted first. */
async function takeLease(options: LeaseOptions, signal: AbortSignal): Promise<Taken | undefined> {
  const { store, name, holder, holdMs, renewMs, aboveTerm = 0, clock, log } = options;
  let seen: { readonly revision: string; readonly at: number } | undefined;
  while (!signal.aborted) {
    try {
      const present = await store.readLease(name);
      if (present !== undefined && present.revision !== seen?.revision)
        seen = { revision: present.revision, at: clock.monotonic() };
      const free = present === undefined || present.record.holder === "" || present.record.holder === holder;
      if (free || clock.monotonic() - (seen?.at ?? 0) >= holdMs) {
        const term = Math.max(present?.record.term ?? 0, aboveTerm) + 1;
        const since = clock.monotonic();
        const revision = await store.writeLease(name, { holder, term, renewals: 0 }, present?.revision);
        return { term, revision, since };
      }
    } catch (error) {
      if (!hasCode(error, "conflict") && !signal.aborted)
        log.warn({ event: "lease-unknown", lease: name, error }, messageOf(error));
    }
    await clock.sleep(renewMs, signal);
  }
  return undefined;
}

/** Resolves with whether the lease was lost, false when the work ended or was ended otherwise. */
async function workUnderLease(
  options: LeaseOptions,
  taken: Taken,
  work: (lease: HeldLease) => Promise<void>,
  signal: AbortSignal,
): Promise<boolean> {
  const { clock, holdMs } = options;
  const ended = new AbortController();
  const working = new AbortController();
  const held = { revision: taken.revision, until: taken.since + holdMs * (1 - MARGIN), lost: false };
  const stop = (): void => working.abort();
  if (signal.aborted) stop();
  else signal.addEventListener("abort", stop, { once: true });
  const lose = (): void => {
    held.lost = true;
    working.abort();
    ended.abort();
  };
  const isHeld = (): boolean => !held.lost && clock.monotonic() < held.until;
  const renewing = Promise.all([
    renew(options, taken.term, held, lose, ended.signal),
    watchTime(clock, held, lose, ended.signal),
  ]);
  try {
    await work({ term: taken.term, signal: working.signal, isHeld });
  } catch (error) {
    if (!held.lost) throw error;
    options.log.debug({ event: "lease-work-ended", lease: options.name, error }, messageOf(error));
  } finally {
    signal.removeEventListener("abort", stop);
    ended.abort();
    await renewing;
    if (!held.lost) await giveUp(options, taken.term, held.revision);
  }
  return held.lost;
}

interface Held {
  revision: string;
  /** Monotonic time from which another may take it. */
  until: number;
  lost: boolean;
}

async function renew(
  options: LeaseOptions,
  term: number,
  held: Held,
  lose: () => void,
  ended: AbortSignal,
): Promise<void> {
  const { store, name, holder, holdMs, renewMs, clock, log } = options;
  for (let renewals = 1; ; renewals += 1) {
    await clock.sleep(renewMs, ended);
    if (ended.aborted) return;
    const since = clock.monotonic();
    try {
      held.revision = await store.writeLease(name, { holder, term, renewals }, held.revision);
      held.until = since + holdMs * (1 - MARGIN);
    } catch (error) {
      if (hasCode(error, "conflict")) {
        const revision = await ownRevision(options, term).catch(() => held.revision);
        if (revision === undefined) return lose();
        held.revision = revision;
      } else log.warn({ event: "lease-renewal-failed", lease: name, error }, messageOf(error));
    }
  }
}

/** A renewal whose answer was lost makes the next one conflict: then the record is still ours. Undefined: it is not. */
async function ownRevision({ store, name, holder }: LeaseOptions, term: number): Promise<string | undefined> {
  const present = await store.readLease(name);
  return present?.record.holder === holder && present.record.term === term ? present.revision : undefined;
}

/** Loses the lease at its time, however long a renewal may hang. */
async function watchTime(clock: Clock, held: Held, lose: () => void, ended: AbortSignal): Promise<void> {
  while (!ended.aborted) {
    const leftMs = held.until - clock.monotonic();
    if (leftMs <= 0) return lose();
    await clock.sleep(leftMs, ended);
  }
}

async function giveUp({ store, name, log }: LeaseOptions, term: number, revision: string): Promise<void> {
  try {
    await store.writeLease(name, { holder: "", term, renewals: 0 }, revision);
  } catch (error) {
    log.info(
      { event: "lease-not-given-up", lease: name, error },
      `a standby will wait for ${name}: ${messageOf(error)}`,
    );
  }
}
