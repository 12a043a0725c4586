import type { NatsConnection } from "@nats-io/nats-core";
import type { Clock } from "../clock.ts";
import { MeshError, hasCode, messageOf } from "../errors.ts";
import type { LeaseStore } from "../lease.ts";
import type { Log } from "../log.ts";
import { openBucket } from "./bucket.ts";
import type { Bucket } from "./bucket.ts";
import { bucketLeases } from "./lease-key.ts";
import { objectKey } from "./names.ts";
import {
  atSequence,
  decodeObject,
  encodeObject,
  isReleased,
  newObject,
  withDeletion,
  withSpec,
  withStatus,
} from "./objects.ts";
import type { ResourceKind, ResourceStore, StoredObject } from "./port.ts";
import { watchBucket } from "./watch.ts";

export interface EmbeddedStoreOptions {
  readonly connection: NatsConnection;
  /** Made before by {@link createStoreBucket}. */
  readonly bucket: string;
  readonly clock: Clock;
  readonly log: Log;
  /** Ends calls that wait for the store; watches have signals of their own. */
  readonly signal: AbortSignal;
}

/** Races that a deletion without precondition or a create loses before it gives up. */
const RACES_LIMIT = 20;

/**
 * The store in a JetStream KV bucket: an object is the JSON under `<plural>.<name>`, its resourceVersion the sequence of
 * that message, a write the compare-and-swap of it. Calls throw MeshError `store-unreachable` (retry) after 5 s.
 */
export async function openEmbeddedStore(options: EmbeddedStoreOptions): Promise<ResourceStore & LeaseStore> {
  const { connection, clock, log, signal } = options;
  return bucketStore(await openBucket(connection, options.bucket, clock, signal), { clock, log });
}

/** The store in any bucket: what {@link openEmbeddedStore} is, without the connection. */
export function bucketStore(
  bucket: Bucket,
  { clock, log }: Pick<EmbeddedStoreOptions, "clock" | "log">,
): ResourceStore & LeaseStore {
  const store: ResourceStore = {
    get: async (kind, name) => (await find(bucket, kind, name)).object,

    list: async (kind) => {
      const entries = await bucket.scan(kind.plural, 1);
      const objects = entries.flatMap((entry) => {
        try {
          return decodeObject(kind, entry) ?? [];
        } catch (error) {
          log.error({ event: "bad-object", key: entry.key, error }, messageOf(error));
          return [];
        }
      });
      return objects.toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    },

    create: async (kind, draft) => {
      const { name } = draft.metadata;
      const key = objectKey(kind, name);
      const object = newObject(kind, draft, { uid: crypto.randomUUID(), now: clock.now() });
      return racing(async () => {
        const { sequence, exists } = await find(bucket, kind, name, { unreadable: "keep quiet" });
        if (exists)
          throw new MeshError("already-exists", `there is a ${kind.kind} "${name}" already`, { retry: false });
        await admit(store, kind, object, undefined);
        return atSequence(object, await bucket.put(key, encodeObject(object), sequence));
      });
    },

    update: async (kind, object) => {
      const present = await presentOf(bucket, kind, object);
      const next = withSpec(kind, present, object);
      if (next === present) return present;
      if (next.metadata.generation !== present.metadata.generation) await admit(store, kind, next, present);
      return write(bucket, kind, next);
    },

    updateStatus: async (kind, object) => {
      const present = await presentOf(bucket, kind, object);
      const next = withStatus(kind, present, object);
      return next === present ? present : write(bucket, kind, next);
    },

    delete: async (kind, name, precondition) => {
      const attempt = async (): Promise<void> => {
        const { sequence, object, exists } = await find(bucket, kind, name, { unreadable: "keep quiet" });
        if (!exists) throw notFound(kind, name);
        if (precondition !== undefined && precondition.resourceVersion !== String(sequence)) throw outdated(kind, name);
        if (object === undefined || object.metadata.finalizers.length === 0) {
          await bucket.put(objectKey(kind, name), undefined, sequence);
        } else if (object.metadata.deletionTimestamp === undefined) {
          await write(bucket, kind, withDeletion(object, clock.now()));
        }
      };
      await (precondition === undefined ? racing(attempt) : attempt());
    },

    watch: (kind, onChange, watching) => watchBucket({ bucket, kind, onChange, clock, log }, watching),
  };
  return { ...store, ...bucketLeases(bucket) };
}

interface Found<T> {
  /** Of the key's last message, 0 when it has none; a deletion marker counts. */
  readonly sequence: number;
  readonly exists: boolean;
  readonly object: T | undefined;
}

/** What there is under a name. An object that can't be read is still there and may be deleted, so some keep quiet of it. */
async function find<T extends StoredObject>(
  bucket: Bucket,
  kind: ResourceKind<T>,
  name: string,
  { unreadable = "throw" }: { readonly unreadable?: "throw" | "keep quiet" } = {},
): Promise<Found<T>> {
  const entry = await bucket.get(objectKey(kind, name));
  if (entry?.value === undefined) return { sequence: entry?.sequence ?? 0, exists: false, object: undefined };
  try {
    return { sequence: entry.sequence, exists: true, object: decodeObject(kind, entry) };
  } catch (error) {
    if (unreadable === "throw") throw error;
    return { sequence: entry.sequence, exists: true, object: undefined };
  }
}

/**
 * The stored object that a writer's `object` was read from. The uid is compared too: sequences start again in a store
 * that was made anew.
 */
async function presentOf<T extends StoredObject>(bucket: Bucket, kind: ResourceKind<T>, object: T): Promise<T> {
  const { name, uid, resourceVersion } = object.metadata;
  const { object: present } = await find(bucket, kind, name);
  if (present === undefined) throw notFound(kind, name);
  if (present.metadata.uid !== uid || present.metadata.resourceVersion !== resourceVersion) throw outdated(kind, name);
  return present;
}

async function write<T extends StoredObject>(bucket: Bucket, kind: ResourceKind<T>, next: T): Promise<T> {
  const key = objectKey(kind, next.metadata.name);
  const value = isReleased(next) ? undefined : encodeObject(next);
  return atSequence(next, await bucket.put(key, value, Number(next.metadata.resourceVersion)));
}

async function admit<T extends StoredObject>(
  store: ResourceStore,
  kind: ResourceKind<T>,
  next: T,
  previous: T | undefined,
): Promise<void> {
  const refusal = await kind.admit?.(next, previous, store);
  if (refusal !== undefined) throw new MeshError(refusal.code, refusal.message, { retry: false });
}

/** Repeats a write that looks at the present state itself and so can't lose anything by a race. */
async function racing<T>(attempt: () => Promise<T>): Promise<T> {
  for (let races = 1; ; races += 1) {
    try {
      return await attempt();
    } catch (error) {
      if (!hasCode(error, "conflict") || races === RACES_LIMIT) throw error;
    }
  }
}

function notFound<T extends StoredObject>(kind: ResourceKind<T>, name: string): MeshError {
  return new MeshError("not-found", `there is no ${kind.kind} "${name}"`, { retry: false });
}

function outdated<T extends StoredObject>(kind: ResourceKind<T>, name: string): MeshError {
  return new MeshError("conflict", `${kind.kind} "${name}" was changed by somebody else meanwhile; read it again`, {
    retry: true,
  });
}
