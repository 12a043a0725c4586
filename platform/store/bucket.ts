import { jetstream, jetstreamManager } from "@nats-io/jetstream";
import type { NatsConnection } from "@nats-io/nats-core";
import { headers } from "@nats-io/nats-core";
import type { Clock } from "../clock.ts";
import { MeshError } from "../errors.ts";
import { CALL_LIMIT_MS, isLostRace, persistently } from "./jetstream-call.ts";
import { changeSubjectOf, entryOf, MARKER_HEADER, streamOf, subjectOf, WRITE_HEADER } from "./entry.ts";
import type { Entry } from "./entry.ts";
import { scanStream } from "./scan.ts";

/** A JetStream KV bucket, as far as the store needs it. Keys are dot-separated words. */
export interface Bucket {
  /** The last entry of `key`, which may be a deletion marker; undefined when there never was one, or it is long deleted. */
  get(key: string): Promise<Entry | undefined>;
  /** Entries under `prefix` from a sequence on, each key's last, in the order of their sequences. */
  scan(prefix: string, fromSequence: number): Promise<readonly Entry[]>;
  /**
   * Writes `value` if the key's last sequence is still `expected` (0: nothing there), and returns the new sequence.
   * Undefined writes the deletion marker. @throws MeshError `conflict`
   */
  put(key: string, value: string | undefined, expected: number): Promise<number>;
  /** Which stream this is (one made anew is another), and the sequence it has reached. */
  state(): Promise<BucketState>;
  /** Calls `onEntry` for each entry written under `prefix`, at most once, as they come. */
  follow(prefix: string, onEntry: (entry: Entry) => void, signal: AbortSignal): void;
  /** Calls `onReconnect` each time the connection came back: entries may have been missed. */
  onReconnect(listener: () => void, signal: AbortSignal): void;
}

export interface BucketState {
  /** When the stream was made; its identity. */
  readonly created: string;
  readonly lastSequence: number;
}

/** A deletion marker goes this long after it was written; whoever followed must list again within. */
export const MARKER_LIFE_MS = 3_600_000;

/** The bucket over a connection; it is not asked whether it exists. */
export async function openBucket(
  connection: NatsConnection,
  bucket: string,
  clock: Clock,
  signal: AbortSignal,
): Promise<Bucket> {
  const manager = await jetstreamManager(connection, { checkAPI: false, timeout: CALL_LIMIT_MS });
  const js = jetstream(connection, { timeout: CALL_LIMIT_MS });
  const stream = streamOf(bucket);
  const patience = { clock, signal };
  const reconnects = new Set<() => void>();
  void (async () => {
    for await (const { type } of connection.status())
      if (type === "reconnect") for (const listener of reconnects) listener();
  })();

  const get = (key: string): Promise<Entry | undefined> =>
    persistently(`reading ${key}`, patience, async () => {
      const message = await manager.direct.getMessage(stream, { last_by_subj: subjectOf(bucket, key) });
      return message === null ? undefined : entryOf(bucket, message.header, message.data);
    });

  return {
    get,
    scan: (prefix, fromSequence) =>
      persistently(`listing ${prefix}`, patience, () => scanStream({ connection, bucket, prefix, fromSequence })),
    put: (key, value, expected) => {
      const id = crypto.randomUUID();
      return persistently(`writing ${key}`, patience, async (attempt) => {
        const marks = headers();
        marks.set(WRITE_HEADER, id);
        if (value === undefined) marks.set(MARKER_HEADER, "DEL");
        try {
          const expect = { lastSubjectSequence: expected };
          const ttl = value === undefined && { ttl: `${MARKER_LIFE_MS / 1_000}s` };
          return (await js.publish(subjectOf(bucket, key), value ?? "", { headers: marks, expect, ...ttl })).seq;
        } catch (error) {
          if (!isLostRace(error)) throw error;
          // An attempt whose answer was lost may be the very write this one lost against.
          const last = attempt === 0 ? undefined : await get(key);
          if (last?.writeID === id) return last.sequence;
          throw new MeshError("conflict", `${key} was changed by somebody else meanwhile; read it again`, {
            retry: true,
          });
        }
      });
    },
    state: () =>
      persistently(`asking for the state of ${bucket}`, patience, async () => {
        const { created, state } = await manager.streams.info(stream);
        return { created, lastSequence: state.last_seq };
      }),
    follow: (prefix, onEntry, following) => {
      const subscription = connection.subscribe(changeSubjectOf(bucket, `${prefix}.>`), {
        callback: (error, message) => {
          if (error === null && message.headers !== undefined) onEntry(entryOf(bucket, message.headers, message.data));
        },
      });
      following.addEventListener("abort", () => subscription.unsubscribe(), { once: true });
    },
    onReconnect: (listener, listening) => {
      reconnects.add(listener);
      listening.addEventListener("abort", () => reconnects.delete(listener), { once: true });
    },
  };
}
