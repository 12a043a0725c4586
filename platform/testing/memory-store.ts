import type { Clock } from "../clock.ts";
import { MeshError } from "../errors.ts";
import type { LeaseStore } from "../lease.ts";
import type { Log } from "../log.ts";
import type { Bucket, BucketState } from "../store/bucket.ts";
import { bucketStore } from "../store/embedded.ts";
import type { Entry } from "../store/entry.ts";
import type { ResourceStore } from "../store/port.ts";

/** Resolves when whatever waits for it may go on: a network's delay, as a test wants it. */
export type Pause = () => Promise<void>;

/** The embedded store's server in memory: everything but NATS is what agents run. */
export interface MemoryStore {
  /**
   * A client of it. Each call awaits `pause` on its way there and on its way back, each change on its way to watches; when
   * it throws, so does the call, and the change is lost. Unless told, only the order of promises delays.
   */
  connect(pause?: Pause): MemoryClient;
  snapshot(): Snapshot;
  /** Puts back what there was, for all clients, whose calls under way fail; what was written since is lost. */
  restore(snapshot: Snapshot): void;
}

/** A connection that can be cut. */
export interface MemoryClient {
  readonly store: ResourceStore & LeaseStore;
  readonly bucket: Bucket;
  /**
   * Cuts it: calls throw `store-unreachable` (retry), those under way too, even if what they wrote was written; changes
   * are lost, and watches learn them after {@link resume}.
   */
  silence(): void;
  resume(): void;
}

/** What a store held at a moment. */
export interface Snapshot {
  readonly entries: ReadonlyMap<string, Entry>;
  readonly lastSequence: number;
}

/** Starts one with nothing in it. */
export function memoryStore(options: { readonly clock: Clock; readonly log: Log }): MemoryStore {
  const stream = new MemoryStream();
  return {
    connect: (pause = () => Promise.resolve()) => {
      const connection = new MemoryConnection(stream, pause);
      return {
        store: bucketStore(connection, options),
        bucket: connection,
        silence: () => connection.cut(),
        resume: () => connection.mend(),
      };
    },
    snapshot: () => ({ entries: new Map(stream.entries), lastSequence: stream.lastSequence }),
    restore: (snapshot) => stream.restore(snapshot),
  };
}

class MemoryStream {
  /** Each key's last, in the order of their sequences. */
  entries = new Map<string, Entry>();
  lastSequence = 0;
  /** How often it was restored: a stream that was put back is another one. */
  restored = 0;
  readonly connections = new Set<MemoryConnection>();

  put(key: string, value: string | undefined, expected: number): number {
    if ((this.entries.get(key)?.sequence ?? 0) !== expected) {
      const message = `${key} was changed by somebody else meanwhile; read it again`;
      throw new MeshError("conflict", message, { retry: true });
    }
    this.lastSequence += 1;
    const entry = { key, sequence: this.lastSequence, value, writeID: "" };
    this.entries.delete(key);
    this.entries.set(key, entry);
    for (const connection of this.connections) connection.hear(entry);
    return entry.sequence;
  }

  restore({ entries, lastSequence }: Snapshot): void {
    this.entries = new Map(entries);
    this.lastSequence = lastSequence;
    this.restored += 1;
    for (const connection of this.connections) connection.lose();
  }
}

class MemoryConnection implements Bucket {
  readonly #stream: MemoryStream;
  readonly #pause: Pause;
  readonly #followers = new Set<{ readonly prefix: string; readonly onEntry: (entry: Entry) => void }>();
  readonly #reconnects = new Set<() => void>();
  #isCut = false;
  /** Grows with each loss of the connection: what began before does not arrive. */
  #losses = 0;
  /** Settles when the changes so far have arrived, one after the other. */
  #arrivals = Promise.resolve();

  constructor(stream: MemoryStream, pause: Pause) {
    this.#stream = stream;
    this.#pause = pause;
    stream.connections.add(this);
  }

  get(key: string): Promise<Entry | undefined> {
    return this.#call(`reading ${key}`, () => this.#stream.entries.get(key));
  }

  scan(prefix: string, fromSequence: number): Promise<readonly Entry[]> {
    return this.#call(`listing ${prefix}`, () =>
      [...this.#stream.entries.values()].filter(
        ({ key, sequence }) => sequence >= fromSequence && key.startsWith(`${prefix}.`),
      ),
    );
  }

  put(key: string, value: string | undefined, expected: number): Promise<number> {
    return this.#call(`writing ${key}`, () => this.#stream.put(key, value, expected));
  }

  state(): Promise<BucketState> {
    return this.#call("asking for the state of the store", () => {
      const { restored, lastSequence } = this.#stream;
      return { created: String(restored), lastSequence };
    });
  }

  follow(prefix: string, onEntry: (entry: Entry) => void, signal: AbortSignal): void {
    const follower = { prefix: `${prefix}.`, onEntry };
    this.#followers.add(follower);
    signal.addEventListener("abort", () => this.#followers.delete(follower), { once: true });
  }

  onReconnect(listener: () => void, signal: AbortSignal): void {
    this.#reconnects.add(listener);
    signal.addEventListener("abort", () => this.#reconnects.delete(listener), { once: true });
  }

  hear(entry: Entry): void {
    const losses = this.#losses;
    const followers = [...this.#followers].filter(({ prefix }) => entry.key.startsWith(prefix));
    if (this.#isCut || followers.length === 0) return;
    const arrive = (): void => {
      if (losses !== this.#losses) return;
      for (const follower of followers) if (this.#followers.has(follower)) follower.onEntry(entry);
    };
    this.#arrivals = this.#arrivals.then(this.#pause).then(arrive, () => undefined);
  }

  cut(): void {
    this.#isCut = true;
    this.#losses += 1;
  }

  mend(): void {
    this.#isCut = false;
    for (const listener of this.#reconnects) listener();
  }

  lose(): void {
    this.#losses += 1;
    if (!this.#isCut) this.mend();
  }

  async #call<T>(what: string, carryOut: () => T): Promise<T> {
    const losses = this.#losses;
    await this.#pause();
    this.#mustHold(what, losses);
    const answer = carryOut();
    await this.#pause();
    this.#mustHold(what, losses);
    return answer;
  }

  #mustHold(what: string, losses: number): void {
    if (!this.#isCut && losses === this.#losses) return;
    throw new MeshError("store-unreachable", `${what}: the store did not answer; is it running?`, { retry: true });
  }
}
