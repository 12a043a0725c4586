import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Nexthop } from "../state.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { applyNexthops } from "./apply.ts";
import { observeNexthops } from "./observe.ts";
import { planNexthops } from "./plan.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("nh");
  for (const device of ["trs0-0", "trs0-1"]) {
    await node.run("ip", ["link", "add", "dev", device, "type", "bridge"]);
    await node.run("ip", ["link", "set", "dev", device, "up"]);
  }
  const vxlan = [
    "link add dev trsvx address 02:74:67:00:01:00 type vxlan id 1 dstport 1 local 127.0.0.1 nolearning",
    "link set dev trsvx addrgenmode none",
    "link set dev trsvx arp off",
    "link set dev trsvx up",
  ];
  await node.run("ip", ["-batch", "-"], { stdin: vxlan.join("\n") });
});
afterAll(() => node.remove());

async function sync(want: readonly Nexthop[]) {
  const { put, remove } = planNexthops(want, await observeNexthops(node.run));
  return [...(await applyNexthops(node.run, put)), ...(await applyNexthops(node.run, remove))];
}

/** Ids with one form each, so that any set of them can follow any other without a nexthop that is torn down twice. */
function nexthops(): fc.Arbitrary<Nexthop[]> {
  const device = fc.constantFrom("trs0-0", "trs0-1");
  const members = fc.tuple(
    ...[1, 2].map((id) => fc.record({ id: fc.constant(id), family: fc.constant(4 as const), device })),
    ...[3, 4].map((id) => fc.record({ id: fc.constant(id), family: fc.constant(6 as const), device })),
    fc.record({
      id: fc.constant(5),
      family: fc.constant(4 as const),
      device: fc.constantFrom("trs0-0", "trs0-1", "trsvx"),
      via: fc.constantFrom("10.1.0.1", "10.1.0.2"),
      onlink: fc.constant(true),
    }),
    fc.record({
      id: fc.constant(6),
      family: fc.constant(6 as const),
      device: fc.constantFrom("trs0-0", "trsvx"),
      via: fc.constantFrom("fd65:1::1", "fe80::74:67ff:fe00:200"),
      onlink: fc.constant(true),
    }),
  );
  const group = (id: number, of: readonly number[]) =>
    fc.record({ id: fc.constant(id), group: fc.subarray([...of], { minLength: 1 }) });
  return fc
    .tuple(members, fc.tuple(group(100, [1, 2, 5]), group(101, [3, 4, 6])), fc.subarray([0, 1]))
    .map(([singles, groups, kept]) => {
      const chosen = kept.map((index) => groups[index]).filter((one) => one !== undefined);
      return [...singles, ...chosen];
    });
}

test("any set of nexthops can follow any other, and then there is nothing to do", async () => {
  await fc.assert(
    fc.asyncProperty(nexthops(), async (want) => {
      expect((await sync(want)).filter(({ error }) => error !== undefined)).toEqual([]);
      expect(await sync(want)).toEqual([]);
    }),
    { numRuns: 15 },
  );
});

test("form and family of an id can change", async () => {
  for (const want of [
    [
      { id: 1, family: 4, device: "trs0-0" },
      { id: 100, group: [1] },
    ],
    [
      { id: 1, family: 6, device: "trs0-0" },
      { id: 100, group: [1] },
    ],
    [
      { id: 2, family: 4, device: "trs0-0" },
      { id: 1, group: [2] },
      { id: 100, group: [2] },
    ],
    [{ id: 100, family: 4, device: "trs0-0" }],
  ] as const) {
    await sync(want);
    expect(await sync(want)).toEqual([]);
  }
});

test("an id that another program uses is refused, and stays as it is", async () => {
  await node.run("ip", ["nexthop", "add", "id", "900", "dev", "trs0-1"]);
  const [outcome] = (await sync([{ id: 900, family: 4, device: "trs0-0" }])).filter(({ error }) => error !== undefined);
  expect(outcome?.error).toContain("exists");
  expect(await node.run("ip", ["nexthop", "show", "id", "900"])).toContain("dev trs0-1");
  await sync([]);
  expect(await node.run("ip", ["nexthop", "show", "id", "900"])).toContain("dev trs0-1");
});

test("a link-local next hop is taken though another device leads to everything; any other of IPv6 is not", async () => {
  await node.run("ip", ["route", "add", "fd65:2::/48", "dev", "trs0-0"]);
  const want = (via: string) => [{ id: 1, family: 6, device: "trsvx", via, onlink: true }] as const;
  const [refused] = await sync(want("fd65:2::1"));
  expect(refused?.error).toContain("device mismatch");
  expect(await sync(want("fe80::74:67ff:fe00:200"))).toEqual([
    expect.not.objectContaining({ error: expect.anything() }),
  ]);
  expect(await sync([{ id: 1, family: 4, device: "trsvx", via: "10.2.0.1", onlink: true }])).not.toContainEqual(
    expect.objectContaining({ error: expect.anything() }),
  );
  await sync([]);
  await node.run("ip", ["route", "delete", "fd65:2::/48"]);
});
