import type { Clock } from "../clock.ts";
import { MeshError, messageOf } from "../errors.ts";
import type { Log } from "../log.ts";
import { MARKER_LIFE_MS } from "./bucket.ts";
import type { Bucket } from "./bucket.ts";
import type { Entry } from "./entry.ts";
import { WatchedLevel } from "./level.ts";
import type { Seen } from "./level.ts";
import { decodeObject } from "./objects.ts";
import type { Change, ResourceKind, StoredObject, Watch } from "./port.ts";

export interface WatchOptions<T extends StoredObject> {
  readonly bucket: Bucket;
  readonly kind: ResourceKind<T>;
  readonly onChange: (change: Change<T>) => void;
  readonly clock: Clock;
  readonly log: Log;
}

/** What was written since the last look is read again this often, should a message have been lost. */
const LOOK_EVERY_MS = 10_000;
/** A whole list comes this often, well within the life of deletion markers. */
const LIST_EVERY_MS = MARKER_LIFE_MS / 2;
const RETRY_MS = 1_000;

/** See `ResourceStore.watch`: messages make it prompt, lists make it whole. */
export function watchBucket<T extends StoredObject>(options: WatchOptions<T>, signal: AbortSignal): Watch<T> {
  const { bucket, kind, onChange, clock, log } = options;
  const level = new WatchedLevel<T>();
  const synced = Promise.withResolvers<void>();
  synced.promise.catch(() => undefined);
  let nap = new AbortController();
  let listed: { readonly created: string; readonly at: number; readonly upTo: number } | undefined;
  let missed = false;
  /** Those who wait for a look that begins after they came. */
  let asking: PromiseWithResolvers<void> | undefined;

  const tell = (change: Change<T> | undefined): void => {
    if (change === undefined || signal.aborted) return;
    try {
      onChange(change);
    } catch (error) {
      log.error({ event: "watch-listener-failed", kind: kind.kind, name: change.name, error }, messageOf(error));
    }
  };
  const see = (entry: Entry): void => {
    const name = nameOf(kind, entry);
    tell(level.observe(name, entry.sequence, read(kind, entry, log)));
  };

  const look = async (): Promise<void> => {
    const whole = missed || listed === undefined || clock.monotonic() - listed.at >= LIST_EVERY_MS;
    missed = false;
    const shown = level.highest;
    const { created, lastSequence } = await bucket.state();
    const anew = listed !== undefined && (listed.created !== created || lastSequence < shown);
    if (anew) {
      log.warn({ event: "store-changed", kind: kind.kind }, "the store was made anew; listing everything again");
      level.forgetSequences();
    }
    const from = whole || anew ? 1 : (listed?.upTo ?? 0) + 1;
    const at = clock.monotonic();
    const entries = await bucket.scan(kind.plural, from);
    for (const entry of entries) see(entry);
    if (from === 1)
      for (const change of level.settle(new Set(entries.map((entry) => nameOf(kind, entry))), lastSequence))
        tell(change);
    const upTo = Math.max(from - 1, entries.at(-1)?.sequence ?? 0);
    listed = { created, upTo, at: from === 1 ? at : (listed?.at ?? at) };
  };

  const wake = (): void => nap.abort();
  const catchUp = (): Promise<void> => {
    if (signal.aborted) return Promise.reject(stopped(kind, "it was asked to catch up after its end"));
    asking ??= Promise.withResolvers();
    wake();
    return asking.promise;
  };
  const run = async (): Promise<void> => {
    if (!signal.aborted) {
      signal.addEventListener("abort", wake, { once: true });
      bucket.onReconnect(() => {
        missed = true;
        wake();
      }, signal);
      bucket.follow(kind.plural, see, signal);
    }
    while (!signal.aborted) {
      nap = new AbortController();
      let pauseMs = LOOK_EVERY_MS;
      const asked = asking;
      asking = undefined;
      try {
        await look();
        synced.resolve();
        asked?.resolve();
      } catch (error) {
        if (!signal.aborted) log.warn({ event: "watch-interrupted", kind: kind.kind, error }, messageOf(error));
        asked?.reject(error);
        missed = true;
        pauseMs = RETRY_MS;
      }
      await clock.sleep(pauseMs, nap.signal);
    }
    synced.reject(stopped(kind, "stopped before the first list"));
    asking?.reject(stopped(kind, "stopped before it caught up"));
  };
  return { synced: synced.promise, objects: level.objects, catchUp, done: run() };
}

function stopped<T extends StoredObject>({ plural }: ResourceKind<T>, how: string): MeshError {
  return new MeshError("aborted", `watching ${plural}: ${how}`, { retry: false });
}

function nameOf<T extends StoredObject>(kind: ResourceKind<T>, { key }: Entry): string {
  return key.slice(kind.plural.length + 1);
}

/** The object of an entry; one that can't be parsed is told and leaves what was known. */
function read<T extends StoredObject>(kind: ResourceKind<T>, entry: Entry, log: Log): Seen<T> {
  try {
    const object = decodeObject(kind, entry);
    return object === undefined ? "deleted" : { put: object };
  } catch (error) {
    log.error({ event: "bad-object", key: entry.key, sequence: entry.sequence, error }, messageOf(error));
    return "unreadable";
  }
}
