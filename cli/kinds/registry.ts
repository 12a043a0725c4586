import { MeshError } from "../../platform/errors.ts";
import { hubKinds } from "./hub-kinds.ts";
import type { KnownKind } from "./known-kind.ts";
import { memberKinds } from "./member-kinds.ts";

export const knownKinds: readonly KnownKind[] = [...hubKinds, ...memberKinds];

/** The kind that a person's word names, in any case, singular or plural. @throws MeshError `unknown-kind`, naming those there are */
export function kindNamed(place: KnownKind["place"], word: string): KnownKind {
  const asked = word.toLowerCase();
  const names = ({ kind, aliases }: KnownKind): string[] => [kind.kind.toLowerCase(), kind.plural, ...aliases];
  const found = knownKinds.filter((each) => names(each).includes(asked));
  const here = found.find((each) => each.place === place);
  if (here !== undefined) return here;
  if (found.length > 0) throw new MeshError("unknown-kind", elsewhere(place, word), { retry: false });
  const known = knownKinds.filter((each) => each.place === place).map(({ kind }) => kind.plural);
  throw new MeshError("unknown-kind", `there is no kind "${word}"; ${placeName(place)} has ${known.join(", ")}`, {
    retry: false,
  });
}

function elsewhere(place: KnownKind["place"], word: string): string {
  if (place === "hub")
    return `"${word}" is kept in a cluster's own store, not on the hub; name the store with --store FILE or --lab=CLUSTER`;
  return `"${word}" is kept on the hub, not in a cluster's own store; leave --store away (in a lab: --lab, not --lab=CLUSTER)`;
}

function placeName(place: KnownKind["place"]): string {
  return place === "hub" ? "the hub" : "a cluster's store";
}
