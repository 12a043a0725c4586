import type { Cidr } from "../mesh/cidr.ts";
import { formatCidr, parseCidr, withoutHoles } from "../mesh/cidr.ts";
import { enclosing } from "../mesh/nesting.ts";
import type { ClosedPrefix } from "./situation.ts";

/** What decides which ranges stay closed although no tunnel leads there. */
export interface Closing {
  /** What this node stands on: its LANs, this cluster's ranges, what no kernel routes. It stays open, whatever lies over it. */
  readonly ours: readonly Cidr[];
  /** What is routed or has a backstop of its own: this cluster's pod CIDRs and mesh prefixes, the linked clusters' prefixes. */
  readonly live: readonly string[];
  /** What was refused, and what was somebody's once. */
  readonly asked: readonly string[];
  /** Addresses at which gateways are dialled. */
  readonly dialled: readonly Cidr[];
}

/**
 * What is refused or withdrawn was routed into a tunnel a moment ago, perhaps, and would follow the default route in
 * clear now: it is closed, but for what is ours in it. What lies in a live prefix is not, for it would take that one's
 * packets away; live ones that lie in it win over it, being narrower.
 * @returns also what of `asked` lies in no live prefix: it is to be asked again
 */
export function closeRanges({ ours, live, asked, dialled }: Closing): {
  readonly apart: readonly string[];
  readonly closed: readonly ClosedPrefix[];
} {
  const isLive = new Set(live);
  const candidates = [...new Set(asked)].filter((text) => !isLive.has(text));
  if (candidates.length === 0) return { apart: [], closed: [] };
  const isInside = insideAny(live.map(parseCidr), candidates.map(parseCidr));
  const apart = candidates.filter((_, index) => !isInside[index]);
  const pieces = new Set(apart.flatMap((text) => withoutHoles(parseCidr(text), ours)).map(formatCidr));
  const prefixes = [...pieces].filter((prefix) => !isLive.has(prefix));
  const isDialled = aroundAny(prefixes.map(parseCidr), dialled);
  return { apart, closed: prefixes.map((prefix, index) => ({ prefix, isDialled: isDialled.has(index) })) };
}

/** For each of `inner`, whether one of `outer` holds it. */
function insideAny(outer: readonly Cidr[], inner: readonly Cidr[]): boolean[] {
  const parents = enclosing([...outer, ...inner]);
  return inner.map((_, index) => {
    let at = parents[outer.length + index] ?? -1;
    while (at >= outer.length) at = parents[at] ?? -1;
    return at >= 0;
  });
}

/** Indices of those of `outer` that hold one of `inner`. */
function aroundAny(outer: readonly Cidr[], inner: readonly Cidr[]): Set<number> {
  const parents = enclosing([...outer, ...inner]);
  const around = new Set<number>();
  for (let index = outer.length; index < parents.length; index += 1) {
    for (let at = parents[index] ?? -1; at >= 0 && !around.has(at); at = parents[at] ?? -1) around.add(at);
  }
  return around;
}
