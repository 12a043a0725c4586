import { ROUTE_PROTOCOL } from "../marks.ts";
import type { Hop, Route, RouteTarget } from "../state.ts";
import type { ObservedRoute } from "./observe.ts";

/** Routes as ip-route(8) takes them: for batches, and to tell whether two of the same key are the same. */

/** One change of the routing table. */
export type RouteStep =
  | { readonly op: "add" | "replace"; readonly route: Route }
  | { readonly op: "delete"; readonly route: ObservedRoute };

/** A line of an `ip -batch`. */
export function routeLine({ op, route }: RouteStep): string {
  return `route ${op} ${selector(route)} ${op === "delete" ? "" : attributes(route)}`.trimEnd();
}

/** True when two routes of one key need no step. Order of hops means nothing. */
export function sameRoute(a: ObservedRoute, b: ObservedRoute): boolean {
  return a.target?.kind === b.target?.kind && attributes(a) === attributes(b);
}

/**
 * With a nexthop object an MTU is always said, 0 for none: a route that brings no metrics of its own is given those of
 * any other route of that nexthop, MTU and all (fib_find_info_nh in net/ipv4/fib_semantics.c; seen on 6.18).
 */
function attributes({ target, src, mtu }: ObservedRoute): string {
  const bytes = target?.kind === "nexthop" ? (mtu ?? 0) : mtu;
  return [
    ...(src === undefined ? [] : [`src ${src}`]),
    ...(bytes === undefined ? [] : [`mtu ${bytes}`]),
    ...(target === undefined ? [] : [targetText(target)]),
  ].join(" ");
}

/**
 * Type, protocol and metric are said even to delete: without them the kernel takes the first route of that prefix, be
 * it a foreign one or the backstop.
 */
function selector({ target, prefix, metric }: ObservedRoute): string {
  const type = target === undefined ? "" : target.kind === "unreachable" ? "unreachable " : "unicast ";
  return `${type}${prefix} proto ${ROUTE_PROTOCOL}${metric === undefined ? "" : ` metric ${metric}`}`;
}

function targetText(target: RouteTarget): string {
  switch (target.kind) {
    case "nexthop":
      return `nhid ${target.id}`;
    case "device":
      return `dev ${target.device}`;
    case "unreachable":
      return "";
    case "multipath": {
      const hops = target.hops.map(hopText).toSorted();
      return hops.length === 1 ? hops.join("") : hops.map((hop) => `nexthop ${hop}`).join(" ");
    }
  }
}

function hopText({ via, device, onlink = false }: Hop): string {
  return `via ${via} dev ${device}${onlink ? " onlink" : ""}`;
}
