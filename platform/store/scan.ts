import { createInbox, errors } from "@nats-io/nats-core";
import type { Msg, NatsConnection } from "@nats-io/nats-core";
import { JetStreamError } from "@nats-io/jetstream";
import { entryOf, streamOf, subjectOf } from "./entry.ts";
import type { Entry } from "./entry.ts";
import { CALL_LIMIT_MS } from "./jetstream-call.ts";

export interface Scan {
  readonly connection: NatsConnection;
  readonly bucket: string;
  readonly prefix: string;
  readonly fromSequence: number;
}

/** Messages the server sends at most for one request. */
const PAGE = 1_000;
const NOT_FOUND = 404;
const END_OF_BATCH = 204;

/**
 * Reads the entries under a prefix in the order of their sequences, in pages of a batched direct get (NATS ADR-31).
 * A key written meanwhile moves behind the end and is met there, so nothing is missed; each key is given once, its last.
 * (`multi_last` would be one request, but the server refuses it for more than 1,024 keys.)
 */
export async function scanStream(scan: Scan): Promise<readonly Entry[]> {
  const byKey = new Map<string, Entry>();
  for (let next = scan.fromSequence; ;) {
    const page = await readPage(scan, next);
    for (const entry of page.entries) {
      byKey.delete(entry.key);
      byKey.set(entry.key, entry);
      next = entry.sequence + 1;
    }
    if (page.pending === 0) return [...byKey.values()];
  }
}

interface Page {
  readonly entries: readonly Entry[];
  /** How many more there are behind it. */
  readonly pending: number;
}

function readPage({ connection, bucket, prefix }: Scan, fromSequence: number): Promise<Page> {
  return new Promise((resolve, reject) => {
    const entries: Entry[] = [];
    const inbox = createInbox();
    // Throws when the connection is closed; so it comes before what would have to be undone.
    const subscription = connection.subscribe(inbox, {
      callback: (error, message) => (error === null ? receive(message) : settle(error, 0)),
    });
    const settle = (error: Error | undefined, pending: number): void => {
      clearTimeout(silence);
      subscription.unsubscribe();
      if (error === undefined) resolve({ entries, pending });
      else reject(error);
    };
    const silence = setTimeout(() => settle(new errors.TimeoutError(), 0), CALL_LIMIT_MS);
    const receive = ({ headers, data }: Msg): void => {
      silence.refresh();
      const code = headers?.code ?? 0;
      if (code === NOT_FOUND) settle(undefined, 0);
      else if (code === END_OF_BATCH) settle(undefined, Number(headers?.get("Nats-Num-Pending")));
      else if (headers === undefined || code !== 0) settle(new JetStreamError(headers?.description ?? "no answer"), 0);
      else entries.push(entryOf(bucket, headers, data));
    };
    const request = { batch: PAGE, seq: fromSequence, next_by_subj: subjectOf(bucket, `${prefix}.>`) };
    connection.publish(`$JS.API.DIRECT.GET.${streamOf(bucket)}`, JSON.stringify(request), { reply: inbox });
  });
}
