import { lookup as getaddrinfo } from "node:dns/promises";
import { isIP } from "node:net";
import { z } from "zod";
import { endpointRefusal, isHostName } from "../../mesh/endpoint.ts";
import type { Clock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import { openGate } from "../../platform/mailbox/gate.ts";
import type { StateFolder } from "../../platform/state-folder.ts";

/** The addresses of a name, the preferred one first. Rejects when there is none to be had. */
export type Lookup = (name: string) => Promise<readonly string[]>;

/**
 * As every other program of this machine does it: /etc/hosts and nsswitch.conf count, so that what `getent ahosts NAME`
 * says is what is dialled (a resolver that asks DNS alone would not do). It blocks one of libuv's four threads, so few at
 * once.
 */
export const systemLookup: Lookup = async (name) =>
  (await getaddrinfo(name, { all: true, order: "verbatim" })).map(({ address }) => address);

export interface NamesParts {
  readonly lookup: Lookup;
  readonly folder: StateFolder;
  readonly clock: Clock;
  readonly log: Log;
  /** Told when a name has other addresses than before. */
  readonly onChange: () => void;
}

/** The names to look up now, and those of them whose gateways are silent. */
export interface WantedNames {
  readonly all: ReadonlySet<string>;
  readonly silent: ReadonlySet<string>;
}

const FILE = "endpoints.json";
const stored = z.record(z.string(), z.array(z.string()));

const EVERY_MS = 30_000;
/** A gateway that is silent may be elsewhere by now. */
const SILENT_EVERY_MS = 5_000;
const ROUND_MS = 500;
const AT_ONCE = 2;
/** More are of no use, and a name's owner could send thousands. */
const ADDRESSES = 16;

/** Addresses of gateways that are announced by name. The last good ones stay when DNS fails, over a restart too. */
export class EndpointNames {
  readonly #parts: NamesParts;
  #resolved: ReadonlyMap<string, readonly string[]> = new Map();
  /** When each was asked last, monotonic milliseconds. */
  readonly #askedMs = new Map<string, number>();
  readonly #asking = new Set<string>();
  /** Names whose last lookup failed. */
  readonly #unknown = new Set<string>();
  readonly #enter = openGate(AT_ONCE);
  /** Counts how often all was forgotten. */
  #generation = 0;
  /** Settles when what was written last is on disk. */
  #kept = Promise.resolve();

  constructor(parts: NamesParts) {
    this.#parts = parts;
  }

  /** Another map after each change. A name that was never found is not in it. */
  get resolved(): ReadonlyMap<string, readonly string[]> {
    return this.#resolved;
  }

  /** Takes up the last good addresses: a gateway that reboots while DNS is down works on them. */
  async recall(): Promise<void> {
    const kept = await this.#parts.folder.read(FILE, stored);
    if (kept !== undefined) this.#resolved = new Map(Object.entries(kept));
  }

  /** Forgets them all, when the member leaves. What was asked before is not taken any more. */
  async forget(): Promise<void> {
    this.#generation += 1;
    this.#resolved = new Map();
    this.#askedMs.clear();
    this.#unknown.clear();
    await this.#kept;
    await this.#parts.folder.remove(FILE);
  }

  /** Looks names up until `signal` aborts; lookups that are under way then are not waited for. `wanted` is undefined while nobody knows. */
  async run(wanted: () => WantedNames | undefined, signal: AbortSignal): Promise<void> {
    const { clock } = this.#parts;
    while (!signal.aborted) {
      const now = wanted();
      if (now !== undefined) {
        this.#forgetOthers(now.all);
        for (const name of this.#due(now)) void this.#ask(name, signal);
      }
      await clock.sleep(ROUND_MS, signal);
    }
    await this.#kept;
  }

  #due({ all, silent }: WantedNames): string[] {
    const nowMs = this.#parts.clock.monotonic();
    return [...all].filter((name) => {
      const askedMs = this.#askedMs.get(name) ?? Number.NEGATIVE_INFINITY;
      const isDue = nowMs - askedMs >= (silent.has(name) ? SILENT_EVERY_MS : EVERY_MS);
      return isDue && !this.#asking.has(name) && isHostName(name);
    });
  }

  async #ask(name: string, signal: AbortSignal): Promise<void> {
    this.#asking.add(name);
    const generation = this.#generation;
    const isOver = (): boolean => signal.aborted || generation !== this.#generation;
    try {
      const found = await this.#enter(() => {
        if (isOver()) return Promise.resolve([]);
        this.#askedMs.set(name, this.#parts.clock.monotonic());
        return this.#parts.lookup(name);
      });
      if (isOver()) return;
      const usable = found.filter(isDialled).slice(0, ADDRESSES);
      if (usable.length === 0) throw new Error("it has no address that can be dialled");
      this.#unknown.delete(name);
      this.#take(name, usable);
    } catch (error) {
      if (!isOver()) this.#complain(name, error);
    } finally {
      this.#asking.delete(name);
    }
  }

  /** Resolvers turn the order of addresses at every answer: what is in use stays first as long as it is among them. */
  #take(name: string, found: readonly string[]): void {
    const before = this.#resolved.get(name) ?? [];
    const now = [...new Set([...before.filter((address) => found.includes(address)), ...found])];
    if (now.join() === before.join()) return;
    this.#parts.log.info({ event: "endpoint-moved", name, addresses: now }, `"${name}" is at ${now.join(", ")}`);
    this.#replace([...this.#resolved, [name, now]]);
    this.#parts.onChange();
  }

  #complain(name: string, error: unknown): void {
    if (this.#unknown.has(name)) return;
    this.#unknown.add(name);
    const kept = this.#resolved.get(name);
    const then = kept ? `its last addresses stay: ${kept.join(", ")}` : "its gateway can't be dialled";
    this.#parts.log.warn(
      { event: "endpoint-unresolved", name, error },
      `"${name}" does not resolve (${messageOf(error)}); ${then}`,
    );
  }

  #forgetOthers(wanted: ReadonlySet<string>): void {
    for (const name of this.#askedMs.keys()) if (!wanted.has(name)) this.#askedMs.delete(name);
    for (const name of this.#unknown) if (!wanted.has(name)) this.#unknown.delete(name);
    const left = [...this.#resolved].filter(([name]) => wanted.has(name));
    if (left.length < this.#resolved.size) this.#replace(left);
  }

  #replace(entries: readonly (readonly [string, readonly string[]])[]): void {
    const resolved = new Map(entries);
    this.#resolved = resolved;
    this.#kept = this.#kept.then(() => this.#keep(resolved));
  }

  async #keep(resolved: ReadonlyMap<string, readonly string[]>): Promise<void> {
    const { folder, log } = this.#parts;
    try {
      await folder.write(FILE, Object.fromEntries(resolved));
    } catch (error) {
      const message = `a reboot without DNS would dial other gateways' former addresses: ${messageOf(error)}`;
      log.error({ event: "endpoints-not-kept", error }, message);
    }
  }
}

/** A name is its owner's to point anywhere. */
function isDialled(address: string): boolean {
  return isIP(address) !== 0 && endpointRefusal(address) === undefined;
}
