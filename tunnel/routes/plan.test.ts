import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Route, RouteTarget } from "../state.ts";
import type { ObservedRoute } from "./observe.ts";
import type { RouteStep } from "./text.ts";
import { planRoutes } from "./plan.ts";
import { routeLine, sameRoute } from "./text.ts";

const TUNNEL: Route = { prefix: "10.2.0.0/16", target: { kind: "nexthop", id: 1000 }, src: "10.1.255.1" };
const BACKSTOP: Route = { prefix: "10.2.0.0/16", target: { kind: "unreachable" }, metric: 9999 };
const TUNNEL6: Route = { prefix: "fd65:2::/48", target: { kind: "nexthop", id: 1001 }, src: "fd65:1::1", mtu: 1380 };
const hops = (...vias: string[]): RouteTarget => ({
  kind: "multipath",
  hops: vias.map((via) => ({ via, device: "eth0" })),
});
const onlink = (...vias: string[]): RouteTarget => ({
  kind: "multipath",
  hops: vias.map((via) => ({ via, device: "trnvx", onlink: true })),
});

test.each<[string, readonly Route[], readonly ObservedRoute[], readonly string[], readonly string[]]>([
  ["nothing differs", [TUNNEL, BACKSTOP, TUNNEL6], [BACKSTOP, TUNNEL6, TUNNEL], [], []],
  ["metric 0 is no metric, for IPv4", [TUNNEL], [{ ...TUNNEL, metric: 0 }], [], []],
  ["metric 1024 is no metric, for IPv6", [TUNNEL6], [{ ...TUNNEL6, metric: 1024 }], [], []],
  [
    "a backstop is added before what it stands behind",
    [TUNNEL, BACKSTOP],
    [],
    [
      "route add unreachable 10.2.0.0/16 proto 174 metric 9999",
      "route add unicast 10.2.0.0/16 proto 174 src 10.1.255.1 mtu 0 nhid 1000",
    ],
    [],
  ],
  [
    "a backstop is deleted after what it stood behind",
    [],
    [BACKSTOP, TUNNEL],
    [],
    ["route delete unicast 10.2.0.0/16 proto 174", "route delete unreachable 10.2.0.0/16 proto 174 metric 9999"],
  ],
  [
    "another source",
    [TUNNEL],
    [{ ...TUNNEL, src: undefined }],
    ["route replace unicast 10.2.0.0/16 proto 174 src 10.1.255.1 mtu 0 nhid 1000"],
    [],
  ],
  [
    "another path MTU",
    [TUNNEL6],
    [{ ...TUNNEL6, mtu: undefined }],
    ["route replace unicast fd65:2::/48 proto 174 src fd65:1::1 mtu 1380 nhid 1001"],
    [],
  ],
  [
    "another metric is another route, which is there before the old one goes",
    [{ ...TUNNEL, metric: 50 }],
    [TUNNEL],
    ["route add unicast 10.2.0.0/16 proto 174 metric 50 src 10.1.255.1 mtu 0 nhid 1000"],
    ["route delete unicast 10.2.0.0/16 proto 174"],
  ],
  [
    "another kind replaces",
    [{ prefix: "fd65:2::/48", target: { kind: "unreachable" } }],
    [{ ...TUNNEL6, metric: 1024 }],
    ["route replace unreachable fd65:2::/48 proto 174"],
    [],
  ],
  [
    "a target that is none of ours is replaced",
    [TUNNEL],
    [{ ...TUNNEL, target: undefined }],
    ["route replace unicast 10.2.0.0/16 proto 174 src 10.1.255.1 mtu 0 nhid 1000"],
    [],
  ],
  [
    "hops in another order are the same",
    [{ prefix: "10.3.0.0/16", target: hops("10.0.0.1", "10.0.0.2") }],
    [{ prefix: "10.3.0.0/16", target: hops("10.0.0.2", "10.0.0.1") }],
    [],
    [],
  ],
  [
    "hops",
    [
      { prefix: "10.3.0.0/16", target: hops("10.0.0.1", "10.0.0.2") },
      { prefix: "10.4.0.0/16", target: hops("10.0.0.1") },
    ],
    [{ prefix: "10.3.0.0/16", target: hops("10.0.0.1") }],
    [
      "route replace unicast 10.3.0.0/16 proto 174 nexthop via 10.0.0.1 dev eth0 nexthop via 10.0.0.2 dev eth0",
      "route add unicast 10.4.0.0/16 proto 174 via 10.0.0.1 dev eth0",
    ],
    [],
  ],
  [
    "hops on link, one and several",
    [
      { prefix: "10.3.0.0/16", target: onlink("10.9.0.1", "10.9.0.2") },
      { prefix: "fd65:3::/48", target: onlink("fe80::1") },
    ],
    [],
    [
      "route add unicast 10.3.0.0/16 proto 174 nexthop via 10.9.0.1 dev trnvx onlink nexthop via 10.9.0.2 dev trnvx onlink",
      "route add unicast fd65:3::/48 proto 174 via fe80::1 dev trnvx onlink",
    ],
    [],
  ],
  [
    "a hop that is not taken to be on link any more, and one that is now",
    [
      { prefix: "10.3.0.0/16", target: { kind: "multipath", hops: [{ via: "10.9.0.1", device: "trnvx" }] } },
      { prefix: "10.4.0.0/16", target: onlink("10.9.0.1") },
      { prefix: "10.5.0.0/16", target: onlink("10.9.0.1") },
    ],
    [
      { prefix: "10.3.0.0/16", target: onlink("10.9.0.1") },
      { prefix: "10.4.0.0/16", target: { kind: "multipath", hops: [{ via: "10.9.0.1", device: "trnvx" }] } },
      { prefix: "10.5.0.0/16", target: onlink("10.9.0.1") },
    ],
    [
      "route replace unicast 10.3.0.0/16 proto 174 via 10.9.0.1 dev trnvx",
      "route replace unicast 10.4.0.0/16 proto 174 via 10.9.0.1 dev trnvx onlink",
    ],
    [],
  ],
  [
    "several of one key: all but the last go, then that one is set right",
    [TUNNEL],
    [TUNNEL, { ...TUNNEL, target: hops("10.0.0.1") }, { ...TUNNEL, target: { kind: "unreachable" } }],
    [
      "route delete unicast 10.2.0.0/16 proto 174",
      "route delete unicast 10.2.0.0/16 proto 174",
      "route replace unicast 10.2.0.0/16 proto 174 src 10.1.255.1 mtu 0 nhid 1000",
    ],
    [],
  ],
  [
    "several of one key, of which the last is right",
    [TUNNEL],
    [{ ...TUNNEL, target: hops("10.0.0.1") }, TUNNEL],
    ["route delete unicast 10.2.0.0/16 proto 174"],
    [],
  ],
  [
    "a device",
    [{ prefix: "10.2.255.1/32", target: { kind: "device", device: "trs0-0" } }],
    [],
    ["route add unicast 10.2.255.1/32 proto 174 dev trs0-0"],
    [],
  ],
])("%s", (_what, want, have, put, remove) => {
  const plan = planRoutes(want, have);
  expect({ put: plan.put.map(routeLine), remove: plan.remove.map(routeLine) }).toEqual({ put, remove });
});

const targets: fc.Arbitrary<RouteTarget> = fc.oneof(
  fc.constant({ kind: "unreachable" } as const),
  fc.record({ kind: fc.constant("nexthop" as const), id: fc.integer({ min: 1, max: 2 }) }),
  fc.record({ kind: fc.constant("device" as const), device: fc.constantFrom("trs0-0", "trs0-1") }),
  fc.subarray(["10.0.0.1", "10.0.0.2", "10.0.0.3"], { minLength: 1 }).map((vias) => hops(...vias)),
  fc.subarray(["10.0.0.1", "10.0.0.2"], { minLength: 1 }).map((vias) => onlink(...vias)),
);
const route: fc.Arbitrary<Route> = fc.record({
  prefix: fc.constantFrom("10.2.0.0/16", "10.3.0.0/16", "fd65:2::/48", "fd65:3::/48"),
  target: targets,
  src: fc.constantFrom(undefined, "10.1.255.1"),
  metric: fc.constantFrom(undefined, 0, 1024, 9999),
  mtu: fc.constantFrom(undefined, 1380),
});

const keyOf = ({ prefix, metric }: ObservedRoute) => `${prefix} ${metric ?? (prefix.includes(":") ? 1024 : 0)}`;

/**
 * The kernel's rules: add is refused where a route of that key is, replace and delete where there is none; these are
 * for the first of several, and replace is refused where another is just like the new one.
 */
function applied(have: readonly ObservedRoute[], steps: readonly RouteStep[]): ObservedRoute[] {
  return steps.reduce<ObservedRoute[]>(
    (table, step) => {
      const first = table.findIndex((one) => keyOf(one) === keyOf(step.route));
      const isThere = step.op === "replace" && table.some((one, at) => at !== first && isSame(one, step.route));
      if (first >= 0 === (step.op === "add") || isThere) throw new Error(`refused: ${routeLine(step)}`);
      if (step.op === "add") return [...table, step.route];
      return table.toSpliced(first, 1, ...(step.op === "replace" ? [step.route] : []));
    },
    [...have],
  );
}

function isSame(one: ObservedRoute, other: ObservedRoute): boolean {
  return keyOf(one) === keyOf(other) && sameRoute(one, other);
}

test("applying a plan leaves nothing to plan, and no prefix is without a route on the way", () => {
  const tables = fc.uniqueArray(route, { selector: keyOf });
  const crowded = fc.uniqueArray(route, { comparator: isSame, maxLength: 16 });
  fc.assert(
    fc.property(tables, crowded, (want, have) => {
      const { put, remove } = planRoutes(want, have);
      const between = applied(have, put);
      const after = applied(between, remove);
      expect(planRoutes(want, after)).toEqual({ put: [], remove: [] });
      expect(after.map(keyOf).toSorted()).toEqual(want.map(keyOf).toSorted());
      const reached = new Set(between.map(({ prefix }) => prefix));
      expect([...have, ...want].every(({ prefix }) => reached.has(prefix))).toBe(true);
    }),
  );
});
