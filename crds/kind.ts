import { z } from "zod";
import { immutableRefusal } from "../mesh/immutable.ts";
import type { Refusal } from "../mesh/refusal.ts";
import type { Metadata, Resource } from "../mesh/resources.ts";
import { API_VERSION } from "../mesh/resources.ts";
import { describeFaults } from "./faults.ts";
import { metadata } from "./metadata.ts";

/** What a kind needs of its objects; the concrete types are mesh's `Resource<…>`. */
export interface AnyResource {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: string;
  readonly metadata: Metadata;
  readonly spec: unknown;
  readonly status: unknown;
}

/** Reads other objects of the store that an object is to be written to. */
export interface KindReader {
  get<T extends AnyResource>(kind: KindDefinition<T>, name: string): Promise<T | undefined>;
  list<T extends AnyResource>(kind: KindDefinition<T>): Promise<readonly T[]>;
}

/**
 * One kind: its schemas, and what may be written. A store takes it as it is (its port asks for a part of this shape).
 */
export interface KindDefinition<T extends AnyResource> {
  readonly kind: T["kind"];
  /** Lower case plural, as in a URL. */
  readonly plural: string;
  readonly apiVersion: typeof API_VERSION;
  readonly emptyStatus: T["status"];
  readonly schema: { readonly spec: z.ZodType<T["spec"]>; readonly status: z.ZodType<T["status"]> };
  /**
   * Fills in what is optional and drops what is unknown.
   * @throws Error that names each field and its fault
   */
  parse(value: unknown): T;
  /** Why the object must not be written, if there is a reason. `previous` is absent for a create. */
  admit(object: T, previous: T | undefined, peers: KindReader): Promise<Refusal | undefined>;
}

/** What is particular to a kind. */
export interface KindParts<Kind extends string, Spec extends object, Status> {
  readonly kind: Kind;
  readonly plural: string;
  readonly spec: z.ZodType<Spec>;
  /** Every field has a default or is optional: a new object has the status of `{}`. */
  readonly status: z.ZodType<Status>;
  /** Faults that can be seen in the object alone. */
  readonly refusals: (name: string, spec: Spec) => readonly Refusal[];
  readonly immutable?: readonly (keyof Spec & string)[];
  /** What stands in the way among other objects. */
  readonly among?: (
    object: Resource<Kind, Spec, Status>,
    previous: Resource<Kind, Spec, Status> | undefined,
    peers: KindReader,
  ) => Promise<Refusal | undefined>;
}

export function defineKind<const Kind extends string, Spec extends object, Status>(
  parts: KindParts<Kind, Spec, Status>,
): KindDefinition<Resource<Kind, Spec, Status>> {
  const { kind, plural, spec, status } = parts;
  const emptyStatus = status.parse({});
  const object = z.object({
    apiVersion: z.literal(API_VERSION),
    kind: z.literal(kind),
    metadata,
    spec: z.preprocess((value) => value ?? {}, spec),
    status: z.preprocess((value) => value ?? {}, status),
  });
  return {
    kind,
    plural,
    apiVersion: API_VERSION,
    emptyStatus,
    schema: { spec, status },
    parse(value) {
      const parsed = object.safeParse(value, { reportInput: true });
      if (!parsed.success) {
        throw new Error(describeFaults(parsed.error));
      }
      return parsed.data;
    },
    async admit(next, previous, peers) {
      const refusals = parts.refusals(next.metadata.name, next.spec);
      return (
        combined(refusals) ??
        (previous && immutableRefusal(previous.spec, next.spec, parts.immutable ?? [])) ??
        (await parts.among?.(next, previous, peers))
      );
    },
  };
}

/** All faults in one refusal, under the first one's code. */
function combined(refusals: readonly Refusal[]): Refusal | undefined {
  const [first] = refusals;
  return first && { code: first.code, message: refusals.map(({ message }) => message).join("; ") };
}
