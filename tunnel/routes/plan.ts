import { familyOf } from "../../mesh/cidr.ts";
import type { Route } from "../state.ts";
import type { ObservedRoute } from "./observe.ts";
import { sameRoute } from "./text.ts";
import type { RouteStep } from "./text.ts";

/**
 * Routes to write, backstops before what they stand behind; then those to delete, backstops last: a prefix is never
 * without one or the other. What is not there yet is added, not replaced: `replace` would take over a foreign route of
 * the same prefix and metric, where `add` is refused.
 *
 * Several of one key (`ip route prepend`, `append`) would each be the kernel's choice until the one before it goes, and
 * `replace` is for the first alone: all but the last go before anything else.
 */
export function planRoutes(
  want: readonly Route[],
  have: readonly ObservedRoute[],
): { put: RouteStep[]; remove: RouteStep[] } {
  const wanted = new Map(want.map((route) => [routeKey(route), route]));
  const present = Map.groupBy(have, routeKey);
  const surplus = [...wanted.keys()].flatMap((key) => present.get(key)?.slice(0, -1) ?? []);
  const put = [...wanted].flatMap(([key, route]): RouteStep[] => {
    const existing = present.get(key)?.at(-1);
    if (existing === undefined) {
      return [{ op: "add", route }];
    }
    return sameRoute(existing, route) ? [] : [{ op: "replace", route }];
  });
  const remove = have
    .filter((route) => !wanted.has(routeKey(route)))
    .map((route): RouteStep => ({ op: "delete", route }));
  return {
    put: [
      ...surplus.map((route): RouteStep => ({ op: "delete", route })),
      ...put.toSorted((a, b) => backstopRank(b) - backstopRank(a)),
    ],
    remove: remove.toSorted((a, b) => backstopRank(a) - backstopRank(b)),
  };
}

/** What the kernel tells routes of one table apart by; a metric that is not given is 0 for IPv4 and 1024 for IPv6. */
export function routeKey(route: ObservedRoute): string {
  return `${route.prefix} ${route.metric ?? (familyOf(route.prefix) === 4 ? 0 : 1024)}`;
}

function backstopRank({ route }: RouteStep): number {
  return route.target?.kind === "unreachable" ? 1 : 0;
}
