import type { MsgHdrs } from "@nats-io/nats-core";

/** The last message of one key. */
export interface Entry {
  readonly key: string;
  /** Of the stream; grows with every write to any key. */
  readonly sequence: number;
  /** Undefined: a deletion marker. */
  readonly value: string | undefined;
  /** Names the write that made it. */
  readonly writeID: string;
}

/** Marks a deletion, as NATS' own KV clients do. */
export const MARKER_HEADER = "KV-Operation";
/** Random, one a write: tells a writer whose answer was lost that the entry is its own. */
export const WRITE_HEADER = "Trestle-Write";

/** Stream behind a bucket, as NATS' own KV clients name it. */
export function streamOf(bucket: string): string {
  return `KV_${bucket}`;
}

/** Subject under which a key is written. */
export function subjectOf(bucket: string, key: string): string {
  return `$KV.${bucket}.${key}`;
}

/** Subject on which each write is repeated for those who follow. */
export function changeSubjectOf(bucket: string, key: string): string {
  return `${bucket}.ch.${key}`;
}

/** From a direct get or a republished message; both carry Nats-Subject and Nats-Sequence (ADR-31, ADR-28 of NATS). */
export function entryOf(bucket: string, headers: MsgHdrs, data: Uint8Array): Entry {
  const deleted = headers.get(MARKER_HEADER) === "DEL" || headers.get(MARKER_HEADER) === "PURGE";
  return {
    key: headers.get("Nats-Subject").slice(subjectOf(bucket, "").length),
    sequence: Number(headers.get("Nats-Sequence")),
    value: deleted ? undefined : new TextDecoder().decode(data),
    writeID: headers.get(WRITE_HEADER),
  };
}
