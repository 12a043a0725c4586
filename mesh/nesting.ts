import type { Cidr } from "./cidr.ts";
import { compareCidrs, overlaps } from "./cidr.ts";

/**
 * For each of `cidrs` the index of the narrowest other one that holds it, -1 for none; of equal ones each lies in the
 * one before it. CIDRs are nested or apart, never half and half, so all overlaps among them are found on the way from
 * each one outwards, and one pass over them in order finds the next step of each way.
 */
export function enclosing(cidrs: readonly Cidr[]): number[] {
  const parents = cidrs.map(() => -1);
  const open: { readonly cidr: Cidr; readonly index: number }[] = [];
  // A stable sort: equal ones stay in their order.
  for (const each of cidrs.map((cidr, index) => ({ cidr, index })).toSorted((a, b) => compareCidrs(a.cidr, b.cidr))) {
    let parent = open.at(-1);
    while (parent !== undefined && !overlaps(parent.cidr, each.cidr)) {
      open.pop();
      parent = open.at(-1);
    }
    parents[each.index] = parent?.index ?? -1;
    open.push(each);
  }
  return parents;
}
