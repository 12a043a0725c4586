import type { Nexthop } from "../state.ts";
import type { ObservedNexthop } from "./observe.ts";

/** `recreate`: the kernel replaces neither a group by a single one nor a family by the other, so it is deleted first. */
export type NexthopStep =
  | { readonly op: "add" | "replace" | "recreate"; readonly nexthop: Nexthop }
  | { readonly op: "delete"; readonly id: number };

/**
 * Nexthops to write, members before groups; then those to delete, groups before members and all of them only after the
 * routes that used them moved on, for a deleted nexthop takes its groups along, and those their routes. A new id is
 * added, never replaced: it could be another program's.
 */
export function planNexthops(
  want: readonly Nexthop[],
  have: readonly ObservedNexthop[],
): { put: NexthopStep[]; remove: NexthopStep[] } {
  const wanted = new Map(want.map((nexthop) => [nexthop.id, nexthop]));
  const present = new Map(have.map((nexthop) => [nexthop.id, nexthop]));
  const members = [...wanted.values()]
    .filter((nexthop) => !("group" in nexthop))
    .flatMap((nexthop) => putStep(nexthop, present.get(nexthop.id)));
  const torn = new Set(members.filter((step) => step.op === "recreate").map((step) => step.nexthop.id));
  const groups = [...wanted.values()]
    .filter((nexthop) => "group" in nexthop)
    .flatMap((nexthop): NexthopStep[] => {
      const [step] = putStep(nexthop, present.get(nexthop.id));
      if (step !== undefined) {
        return [step];
      }
      // Deleting a member took it out of this group, or the group away with it.
      return nexthop.group.some((id) => torn.has(id)) ? [{ op: "replace", nexthop }] : [];
    });
  const gone = have.filter((nexthop) => !wanted.has(nexthop.id)).toSorted((a, b) => depth(b) - depth(a));
  return { put: [...members, ...groups], remove: gone.map(({ id }) => ({ op: "delete", id })) };
}

type PutStep = Exclude<NexthopStep, { readonly op: "delete" }>;

function putStep(want: Nexthop, have: ObservedNexthop | undefined): PutStep[] {
  if (have === undefined) {
    return [{ op: "add", nexthop: want }];
  }
  if (form(want) !== form(have)) {
    return [{ op: "recreate", nexthop: want }];
  }
  const same = nexthopArguments(want) === nexthopArguments(have) && have.altered === undefined;
  return same ? [] : [{ op: "replace", nexthop: want }];
}

function form(nexthop: Nexthop): string {
  return "group" in nexthop ? "group" : `family ${nexthop.family}`;
}

function depth(nexthop: Nexthop): number {
  return "group" in nexthop ? 1 : 0;
}

/** What follows `id N` for ip(8): `via A dev D onlink`, `group 1/2`. Members of a group are a set: their order means nothing. */
export function nexthopArguments(nexthop: Nexthop): string {
  if ("group" in nexthop) {
    return `group ${nexthop.group.toSorted((a, b) => a - b).join("/")}`;
  }
  const { via, device, onlink = false } = nexthop;
  return [...(via === undefined ? [] : ["via", via]), "dev", device, ...(onlink ? ["onlink"] : [])].join(" ");
}
