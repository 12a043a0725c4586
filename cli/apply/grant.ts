import { retryOnConflict } from "../../platform/store/amend.ts";
import { withSpec } from "../../platform/store/objects.ts";
import type { ResourceKind, ResourceReader, ResourceStore, StoredObject } from "../../platform/store/port.ts";
import type { Wish } from "./wishes.ts";

export type Outcome = "created" | "configured" | "unchanged";

/**
 * Why one of the wishes can't be granted, each judged as if those before it were granted already: so a file is refused
 * as a whole, before anything of it is written.
 */
export async function refusalOf(
  wishes: readonly Wish[],
  store: ResourceReader,
): Promise<{ readonly wish: Wish; readonly code: string; readonly message: string } | undefined> {
  const granted: { readonly kind: string; readonly object: StoredObject }[] = [];
  const peers = readerWith(store, granted);
  for (const wish of wishes) {
    const { kind } = wish.known;
    const { name } = wish.object.metadata;
    const present = await store.get(kind, name);
    const next = nextOf(wish, present);
    granted.push({ kind: kind.kind, object: next });
    if (present !== undefined && next.metadata.generation === present.metadata.generation) continue;
    const refusal = await kind.admit?.(next, present, peers);
    if (refusal !== undefined) return { wish, ...refusal };
  }
  return undefined;
}

/** Writes one wish; a writer who was faster is no obstacle, for a wish does not depend on what there is. */
export async function grant(wish: Wish, store: ResourceStore): Promise<Outcome> {
  const { kind } = wish.known;
  const { name } = wish.object.metadata;
  return retryOnConflict(async () => {
    const present = await store.get(kind, name);
    const next = nextOf(wish, present);
    if (next === present) return "unchanged";
    if (present === undefined) await store.create(kind, next);
    else await store.update(kind, next);
    return present === undefined ? "created" : "configured";
  });
}

/** The object as it shall be: `present` itself when nothing changes. Labels and annotations that were not given stay. */
function nextOf({ known, object, labels, annotations }: Wish, present: StoredObject | undefined): StoredObject {
  const before = present ?? object;
  const metadata = {
    ...before.metadata,
    labels: labels ?? before.metadata.labels,
    annotations: annotations ?? before.metadata.annotations,
  };
  const wanted = { ...before, metadata, spec: object.spec };
  return present === undefined ? wanted : withSpec(known.kind, present, wanted);
}

/** `store` as it will be with `granted` in it. */
function readerWith(
  store: ResourceReader,
  granted: readonly { readonly kind: string; readonly object: StoredObject }[],
): ResourceReader {
  const of = (kind: string): StoredObject[] => granted.filter((each) => each.kind === kind).map((each) => each.object);
  // What is under a kind's name was parsed by that kind.
  return {
    get: async <T extends StoredObject>(kind: ResourceKind<T>, name: string) =>
      (of(kind.kind).find((object) => object.metadata.name === name) as T | undefined) ?? store.get(kind, name),
    list: async <T extends StoredObject>(kind: ResourceKind<T>) => {
      const all = new Map((await store.list(kind)).map((object) => [object.metadata.name, object]));
      for (const object of of(kind.kind)) all.set(object.metadata.name, object as T);
      return [...all.values()].toSorted((a, b) => (a.metadata.name < b.metadata.name ? -1 : 1));
    },
  };
}
