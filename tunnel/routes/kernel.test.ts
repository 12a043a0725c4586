import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { ipBatch } from "../ip.ts";
import type { Route, RouteTarget } from "../state.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { observeRoutes } from "./observe.ts";
import { planRoutes } from "./plan.ts";
import { routeLine } from "./text.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("route");
  const lines = [
    "link add dev eth0 type bridge",
    "link set dev eth0 up",
    "address add 192.0.2.1/24 dev eth0",
    "address add 2001:db8::1/64 dev eth0 nodad",
    "link add dev trnvx address 02:00:00:00:00:01 type vxlan id 7 dstport 7 local 192.0.2.1 nolearning",
    "link set dev trnvx up",
    "nexthop add id 4 dev eth0 protocol 174",
    "nexthop add id 40 group 4 protocol 174",
    "nexthop add id 6 via fe80::7 dev eth0 protocol 174",
    "nexthop add id 60 group 6 protocol 174",
    "route add 10.9.0.0/16 via 192.0.2.9 proto static",
    "route add fd65:9::/48 via 2001:db8::9 proto static",
  ];
  await node.run("ip", ["-batch", "-"], { stdin: lines.join("\n") });
});
afterAll(() => node.remove());

async function sync(want: readonly Route[]) {
  const { put, remove } = planRoutes(want, await observeRoutes(node.run));
  return ipBatch(node.run, [...put, ...remove].map(routeLine));
}

/** Every kind of route of one family, of a few prefixes, one per prefix and metric. */
function routes(family: 4 | 6): fc.Arbitrary<Route[]> {
  const of = <T>(four: T, six: T) => (family === 4 ? four : six);
  const via = (host: number) => of(`192.0.2.${host}`, `2001:db8::${host}`);
  // The address of the one is nowhere near the device; that of the other is of a network that another device leads to.
  const far = of(["10.99.0.1", "192.0.2.77"], ["fd99::1", "fe80::77"]);
  const target = fc.oneof<fc.Arbitrary<RouteTarget>[]>(
    fc.constant({ kind: "unreachable" }),
    fc.constantFrom(...of([4, 40], [6, 60])).map((id) => ({ kind: "nexthop", id })),
    fc.constant({ kind: "device", device: "eth0" }),
    fc
      .tuple(fc.subarray([7, 8, 9]), fc.subarray(far))
      .filter(([hosts, beyond]) => hosts.length + beyond.length > 0)
      .map(([hosts, beyond]) => ({
        kind: "multipath",
        hops: [
          ...hosts.map((host) => ({ via: via(host), device: "eth0" })),
          ...beyond.map((address) => ({ via: address, device: "trnvx", onlink: true })),
        ],
      })),
  );
  const one = fc.record({
    prefix: fc.constantFrom(
      ...of(["10.2.0.0/16", "10.3.0.0/24", "10.3.0.1/32"], ["fd65:2::/48", "fd65:3::/64", "fd65:3::1/128"]),
    ),
    target,
    metric: fc.constantFrom(undefined, 50, 9999),
    mtu: fc.constantFrom(undefined, 1380),
    src: fc.constantFrom(undefined, of("192.0.2.1", "2001:db8::1")),
  });
  return fc
    .uniqueArray(one, { selector: ({ prefix, metric }) => `${prefix} ${metric}`, minLength: 3 })
    .map((list) =>
      list.map((route) => (route.target.kind === "unreachable" ? { ...route, src: undefined, mtu: undefined } : route)),
    );
}

test.each([4, 6] as const)(
  "any table of IPv%d routes can follow any other, and then there is nothing to do",
  async (family) => {
    await fc.assert(
      fc.asyncProperty(routes(family), async (want) => {
        expect((await sync(want)).filter(({ error }) => error !== undefined)).toEqual([]);
        expect(await sync(want)).toEqual([]);
        expect(await observeRoutes(node.run)).toHaveLength(want.length);
      }),
      { numRuns: 25 },
    );
  },
);

test.each([
  ["10.2.0.0/16", 4, "via 192.0.2.8", "append"],
  ["10.2.0.0/16", 4, "via 192.0.2.8", "prepend"],
  ["10.2.0.0/16", 4, "unreachable", "append"],
  ["10.2.0.0/16", 4, "unreachable", "prepend"],
  ["fd65:2::/48", 6, "via 2001:db8::8", "append"],
  ["fd65:2::/48", 6, "unreachable", "append"],
] as const)(
  "to %s by nexthop %d: what leads %s and has our mark goes, though it was put there by %s",
  async (prefix, id, way, verb) => {
    const want: Route[] = [{ prefix, target: { kind: "nexthop", id } }];
    await sync(want);
    const [type, hop] = way === "unreachable" ? [way, ""] : ["unicast", way];
    await node.run("ip", ["route", verb, type, prefix, ...hop.split(" ").filter(Boolean), "proto", "174"]);
    expect(await observeRoutes(node.run)).toHaveLength(2);
    expect((await sync(want)).filter(({ error }) => error !== undefined)).toEqual([]);
    expect(await observeRoutes(node.run)).toMatchObject(want);
    expect(await sync(want)).toEqual([]);
    await sync([]);
  },
);

test("a route without an MTU of its own does not get that of another route of its nexthop", async () => {
  const target = { kind: "nexthop", id: 4 } as const;
  const want = [
    { prefix: "10.2.0.0/16", target, mtu: 1380 },
    { prefix: "10.3.0.0/16", target },
  ];
  await sync(want);
  expect((await observeRoutes(node.run)).map(({ mtu }) => mtu)).toEqual([1380, undefined]);
  await sync([]);
});

test.each([
  ["10.9.0.0/16", "192.0.2.9"],
  ["fd65:9::/48", "2001:db8::9"],
])("a foreign route to %s is neither replaced nor deleted, and a backstop fits beside it", async (prefix, via) => {
  const outcomes = await sync([
    { prefix, target: { kind: "unreachable" } },
    { prefix, target: { kind: "unreachable" }, metric: 9999 },
  ]);
  expect(outcomes.filter(({ error }) => error?.includes("File exists") === true)).toHaveLength(1);
  await sync([]);
  expect(await node.run("ip", [prefix.includes(":") ? "-6" : "-4", "route", "show", prefix])).toContain(
    `via ${via} dev eth0 proto static`,
  );
  expect(await observeRoutes(node.run)).toEqual([]);
});
