import { JetStreamApiError, jetstreamManager, PersistMode, StorageType } from "@nats-io/jetstream";
import type { JetStreamManager, StreamConfig } from "@nats-io/jetstream";
import { headers } from "@nats-io/nats-core";
import type { NatsConnection } from "@nats-io/nats-core";
import type { Clock } from "../clock.ts";
import { headSubject, pageSubject, REPUBLISH, VIEW_STREAM, VIEW_SUBJECTS } from "../nats/subjects.ts";
import { CALL_LIMIT_MS, isLostRace, isOtherConfiguration, persistently } from "../store/jetstream-call.ts";
import type { Page } from "./digest.ts";
import { openGate } from "./gate.ts";
import { openStreamWriter } from "./stream-writer.ts";
import type { WriteToStream } from "./stream-writer.ts";

/** A head as it lies in the bucket; its sequence is what a compare-and-swap expects. */
export interface StoredHead {
  readonly text: string;
  readonly sequence: number;
}

/** Calls under way at once: enough to fill the server, few enough that none waits for its limit. */
const CALLS_AT_ONCE = 256;

/** A KV bucket, as KV clients make it, whose changes go out to the members. */
const CONFIG = {
  name: VIEW_STREAM,
  subjects: [VIEW_SUBJECTS],
  storage: StorageType.File,
  max_msgs_per_subject: 1,
  allow_direct: true,
  allow_rollup_hdrs: true,
  republish: REPUBLISH,
} satisfies Partial<StreamConfig>;

/**
 * Writes are answered before they are on disk, unlike all others of the hub's server (nats/hub-config.ts): what a power
 * cut takes from here, the hub finds missing and writes again. A stream keeps the mode it was made with.
 */
const NEW = { ...CONFIG, persist_mode: PersistMode.Async } satisfies Partial<StreamConfig>;

/**
 * The hub's hands in the mailboxes' bucket. Every call is repeated for some seconds while the server restarts.
 * @throws MeshError `store-unreachable` (retry), `aborted`
 */
export class ViewBucket {
  readonly #write: WriteToStream;
  readonly #manager: JetStreamManager;
  readonly #persist: <T>(what: string, call: () => Promise<T>) => Promise<T>;

  private constructor(nc: NatsConnection, manager: JetStreamManager, life: { clock: Clock; signal: AbortSignal }) {
    this.#write = openStreamWriter(nc, CALL_LIMIT_MS);
    this.#manager = manager;
    const enter = openGate(CALLS_AT_ONCE);
    this.#persist = (what, call) => enter(() => persistently(what, life, call));
  }

  /** `nc` is a connection of the HUB account. The bucket is made if it is not there. */
  static async open(
    nc: NatsConnection,
    life: { readonly clock: Clock; readonly signal: AbortSignal },
  ): Promise<ViewBucket> {
    const manager = await jetstreamManager(nc, { timeout: CALL_LIMIT_MS, checkAPI: false });
    const bucket = new ViewBucket(nc, manager, life);
    await bucket.make();
    return bucket;
  }

  /** Makes the bucket, or puts its settings right; when all is well it changes nothing. */
  async make(): Promise<void> {
    const { streams } = this.#manager;
    await this.#persist("making the mailboxes' bucket", () =>
      streams.add(NEW).catch((error: unknown) => {
        if (isOtherConfiguration(error)) return streams.update(VIEW_STREAM, CONFIG);
        throw error;
      }),
    );
  }

  async writePage(member: string, { digest, bytes }: Page): Promise<void> {
    await this.#persist(`writing a page of "${member}"`, () => this.#write(pageSubject(member, digest), bytes));
  }

  /** The new sequence; undefined when the head there is not the one with `expectedSequence` (0: none). */
  async writeHead(member: string, text: string, expectedSequence: number): Promise<number | undefined> {
    const expected = headers();
    expected.set(EXPECTED_SEQUENCE, String(expectedSequence));
    try {
      return await this.#persist(`writing the head of "${member}"`, () =>
        this.#write(headSubject(member), text, expected),
      );
    } catch (error) {
      if (isLostRace(error)) return undefined;
      throw error;
    }
  }

  async readHead(member: string): Promise<StoredHead | undefined> {
    const query = { last_by_subj: headSubject(member) };
    const message = await this.#persist(`reading the head of "${member}"`, () =>
      this.#manager.streams.getMessage(VIEW_STREAM, query).catch(absent),
    );
    return message === null ? undefined : { text: message.string(), sequence: message.seq };
  }

  /** Every member that has something in the bucket, with the digests of its pages. */
  async list(): Promise<ReadonlyMap<string, readonly string[]>> {
    const info = await this.#persist("listing the mailboxes", () =>
      this.#manager.streams.info(VIEW_STREAM, { subjects_filter: VIEW_SUBJECTS }),
    );
    const members = new Map<string, string[]>();
    for (const subject of Object.keys(info.state.subjects ?? {})) {
      const [, , , member, kind, digest] = subject.split(".");
      if (member === undefined) continue;
      const pages = members.get(member) ?? [];
      if (kind === "pg" && digest !== undefined) pages.push(digest);
      members.set(member, pages);
    }
    return members;
  }

  /** Removes what lies under a subject, wildcards allowed, leaving no marker; members are not told. */
  async purge(subject: string): Promise<void> {
    await this.#persist(`removing ${subject}`, () => this.#manager.streams.purge(VIEW_STREAM, { filter: subject }));
  }
}

/** Makes a write a compare-and-swap: the last sequence of its subject. */
const EXPECTED_SEQUENCE = "Nats-Expected-Last-Subject-Sequence";

/** Code of JetStream's API for "no message found", nats-server's errors.json. */
const NO_MESSAGE = 10_037;

function absent(error: unknown): null {
  if (error instanceof JetStreamApiError && error.code === NO_MESSAGE) return null;
  throw error;
}
