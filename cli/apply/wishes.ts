import { z } from "zod";
import { describeFaults } from "../../crds/faults.ts";
import { metadata } from "../../crds/metadata.ts";
import { API_VERSION } from "../../mesh/resources.ts";
import { readName } from "../../mesh/names.ts";
import { messageOf } from "../../platform/errors.ts";
import { newObject } from "../../platform/store/objects.ts";
import type { StoredObject } from "../../platform/store/port.ts";
import { kindNamed } from "../kinds/registry.ts";
import type { KnownKind } from "../kinds/known-kind.ts";
import { readDocuments } from "./documents.ts";
import type { Fault, WrittenObject } from "./documents.ts";

/** What somebody wants to be stored, checked as far as it can be without a store. */
export interface Wish {
  readonly known: KnownKind;
  /** As it would be when it were new; identity and history in it mean nothing. */
  readonly object: StoredObject;
  /** Absent: those there are stay. */
  readonly labels: Readonly<Record<string, string>> | undefined;
  readonly annotations: Readonly<Record<string, string>> | undefined;
  readonly written: WrittenObject;
}

const words = z.record(z.string(), z.string()).optional();
// The store's own fields may be there and mean nothing: what `get --output yaml` printed can be applied.
const envelope = z.object({
  apiVersion: z.literal(API_VERSION),
  kind: z.string(),
  metadata: z.object({ ...metadata.partial().shape, name: z.string(), labels: words, annotations: words }),
  spec: z.record(z.string(), z.unknown()),
  status: z.unknown().optional(),
});

/** A fault, and the field it is in. */
class FieldFault extends Error {
  readonly path: readonly (string | number)[];

  constructor(path: readonly (string | number)[], message: string) {
    super(message);
    this.path = path;
  }
}

/** Reads a whole file into wishes for one place; every fault of it is reported, and then none of its wishes may be granted. */
export function readWishes(
  text: string,
  place: KnownKind["place"],
): { readonly wishes: readonly Wish[]; readonly faults: readonly Fault[] } {
  const { objects, faults: unreadable } = readDocuments(text);
  const faults = [...unreadable];
  const wishes = new Map<string, Wish>();
  for (const written of objects) {
    try {
      const wish = readWish(written, place);
      const key = `${wish.known.kind.kind} "${wish.object.metadata.name}"`;
      const twin = wishes.get(key);
      if (twin !== undefined)
        throw new FieldFault(
          ["metadata", "name"],
          `${key} is in this file already, on line ${twin.written.lineOf([])}`,
        );
      wishes.set(key, wish);
    } catch (error) {
      const path = error instanceof FieldFault ? error.path : [];
      faults.push({ document: written.document, line: written.lineOf(path), message: messageOf(error) });
    }
  }
  return { wishes: [...wishes.values()], faults: faults.toSorted((a, b) => a.line - b.line) };
}

function readWish(written: WrittenObject, place: KnownKind["place"]): Wish {
  const { kind: kindName, metadata, spec } = readEnvelope(written.value);
  const known = kindOf(place, kindName);
  const { refusal } = readName(metadata.name);
  if (refusal !== undefined) throw new FieldFault(["metadata", "name"], refusal.message);
  const object = readSpec(known, metadata.name, spec);
  refuseUnknownFields(spec, object.spec, ["spec"]);
  const { labels, annotations } = metadata;
  return { known, object, labels, annotations, written };
}

function readEnvelope(value: unknown): z.infer<typeof envelope> {
  if (!isMapping(value))
    throw new FieldFault([], "a resource is a group of fields: apiVersion, kind, metadata and spec");
  const { data, error } = envelope.safeParse(value, { reportInput: true });
  if (data !== undefined) {
    refuseUnknownFields(value, data, []);
    return data;
  }
  const path = error.issues[0]?.path ?? [];
  throw new FieldFault(
    path.map((step) => (typeof step === "number" ? step : String(step))),
    describeFaults(error),
  );
}

function kindOf(place: KnownKind["place"], name: string): KnownKind {
  const known = kindNamed(place, name);
  if (known.kind.kind !== name) throw new FieldFault(["kind"], `write the kind as ${known.kind.kind}`);
  if (known.authored !== true) throw new FieldFault(["kind"], `a ${name} can't be applied: ${known.authored}`);
  return known;
}

function readSpec({ kind }: KnownKind, name: string, spec: unknown): StoredObject {
  try {
    return newObject(kind, { metadata: { name }, spec }, { uid: "", now: 0 });
  } catch (error) {
    const fault = messageOf(error instanceof Error ? (error.cause ?? error) : error);
    throw new FieldFault(pathIn(fault), fault);
  }
}

/** A kind begins its sentences with the field: `spec.members.names[0] must be …`, `spec.cidr: 10.0.0.1/8 has …`. */
export function pathIn(fault: string): (string | number)[] {
  const [field = ""] = /^(?:spec|metadata)(?:\.[^\s.:[\]]+|\[\d+\])*/.exec(fault) ?? [];
  return [...field.matchAll(/\[(\d+)\]|[^.[\]]+/g)].map(([word, index]) =>
    index === undefined ? word : Number(index),
  );
}

/** A parser leaves out what it does not know; somebody who wrote it meant something by it. */
function refuseUnknownFields(given: unknown, read: unknown, path: readonly (string | number)[]): void {
  if (!isMapping(given) || !isMapping(read)) return;
  for (const [field, value] of Object.entries(given)) {
    if (!(field in read))
      throw new FieldFault([...path, field], `${[...path, field].join(".")} is not known; is it misspelt?`);
    refuseUnknownFields(value, read[field], [...path, field]);
  }
}

function isMapping(value: unknown): value is Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}
