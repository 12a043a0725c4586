import { isDeepStrictEqual } from "node:util";
import { MeshError, messageOf } from "../errors.ts";
import type { Draft, ResourceKind, StoredObject } from "./port.ts";
import type { Entry } from "./entry.ts";

/** What a write does to an object, as pure functions from the object there is to the object there shall be. */

/** A new object out of what its writer gave. */
export function newObject<T extends StoredObject>(
  kind: ResourceKind<T>,
  draft: Draft<T>,
  { uid, now }: { readonly uid: string; readonly now: number },
): T {
  const { name, labels = {}, annotations = {}, finalizers = [] } = draft.metadata;
  return parseObject(kind, name, {
    apiVersion: kind.apiVersion,
    kind: kind.kind,
    metadata: {
      name,
      uid,
      resourceVersion: "",
      generation: 1,
      creationTimestamp: new Date(now).toISOString(),
      finalizers,
      labels,
      annotations,
    },
    spec: draft.spec,
    status: draft.status ?? kind.emptyStatus,
  });
}

/** `present` with the metadata and spec that `wanted` asks for; `present` itself when nothing would change. */
export function withSpec<T extends StoredObject>(kind: ResourceKind<T>, present: T, wanted: T): T {
  const { labels, annotations, finalizers } = wanted.metadata;
  const next = parseObject(kind, present.metadata.name, {
    ...present,
    metadata: { ...present.metadata, labels, annotations, finalizers },
    spec: wanted.spec,
  });
  if (sameJSON(next.spec, present.spec)) return sameJSON(next.metadata, present.metadata) ? present : next;
  return { ...next, metadata: { ...next.metadata, generation: present.metadata.generation + 1 } };
}

/** `present` with the status of `wanted`; `present` itself when nothing would change. */
export function withStatus<T extends StoredObject>(kind: ResourceKind<T>, present: T, wanted: T): T {
  const next = parseObject(kind, present.metadata.name, { ...present, status: wanted.status });
  return sameJSON(next.status, present.status) ? present : next;
}

/** `present` as it is while its finalizers' owners have yet to let it go. */
export function withDeletion<T extends StoredObject>(present: T, now: number): T {
  return { ...present, metadata: { ...present.metadata, deletionTimestamp: new Date(now).toISOString() } };
}

/** True when nothing keeps an object that is to be deleted. */
export function isReleased({ metadata }: StoredObject): boolean {
  return metadata.deletionTimestamp !== undefined && metadata.finalizers.length === 0;
}

/** `object` as it is after it was written at `sequence`. */
export function atSequence<T extends StoredObject>(object: T, sequence: number): T {
  return { ...object, metadata: { ...object.metadata, resourceVersion: String(sequence) } };
}

/** As it is stored: without the resourceVersion, which is the sequence it is stored at. */
export function encodeObject(object: StoredObject): string {
  const { resourceVersion: _, ...metadata } = object.metadata;
  return JSON.stringify({ ...object, metadata });
}

/**
 * The object in an entry; undefined for a deletion marker.
 * @throws MeshError `bad-object`
 */
export function decodeObject<T extends StoredObject>(kind: ResourceKind<T>, entry: Entry): T | undefined {
  if (entry.value === undefined) return undefined;
  const name = entry.key.slice(kind.plural.length + 1);
  return parseObject(kind, name, () => {
    const stored = JSON.parse(entry.value ?? "") as { readonly metadata?: object };
    return { ...stored, metadata: { ...stored.metadata, resourceVersion: String(entry.sequence) } };
  });
}

function parseObject<T extends StoredObject>(kind: ResourceKind<T>, name: string, value: object | (() => object)): T {
  try {
    return kind.parse(typeof value === "function" ? value() : value);
  } catch (error) {
    const message = `${kind.kind} "${name}" is not what it should be: ${messageOf(error)}`;
    throw new MeshError("bad-object", message, { retry: false, cause: error });
  }
}

/** JSON knows no undefined, and no order of fields. */
function sameJSON(a: unknown, b: unknown): boolean {
  return isDeepStrictEqual(JSON.parse(JSON.stringify(a)), JSON.parse(JSON.stringify(b)));
}
