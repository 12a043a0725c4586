import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { subnetKind } from "../../crds/subnet.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { SubnetSpec } from "../../mesh/ipam/resources.ts";
import { instance, subnet, subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import { objectNameOfAddress, objectNameOfCidr } from "../../mesh/names.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { AddressCluster, factsOf } from "../testing/address-node.ts";
import type { AddressNode } from "../testing/address-node.ts";
import { bindingOf, withStock } from "../testing/address-stock.ts";
import { issueAgain, sayWithheld } from "./withheld.ts";

/** Two blocks of eight. */
const PODS = { pods: subnetSpec("10.0.0.0/28", { blockSize: 29 }) };
const NAMED = "10.0.0.3";

let cluster: AddressCluster;
beforeEach(async () => {
  cluster = await AddressCluster.open(PODS);
});
afterEach(() => cluster.remove());

/** Node "a", which owns 10.0.0.0/29 and has given 10.0.0.1 away, and node "b". */
async function ownerAndOther(): Promise<[AddressNode, AddressNode]> {
  const a = await cluster.node("a");
  await a.add(factsOf("first"), "first");
  return [a, await cluster.node("b")];
}

async function change(spec: Partial<SubnetSpec>): Promise<void> {
  const present = await cluster.store.get(subnetKind, "pods");
  if (present !== undefined) await cluster.store.update(subnetKind, { ...present, spec: { ...present.spec, ...spec } });
}

const byName = (node: AddressNode): Promise<readonly string[]> =>
  node.add(factsOf("named", { [ANNOTATIONS.ip]: NAMED }), "named");
const any = (node: AddressNode, ...names: string[]): Promise<string[]> =>
  names.reduce<Promise<string[]>>(
    async (given, name) => [...(await given), ...(await node.add(factsOf(name), name))],
    Promise.resolve([]),
  );

test.each([
  ["is cut off", (a: AddressNode) => a.client.silence()],
  ["has not heard of it yet", () => undefined],
])(
  "what was reserved in the block of a node that %s is not given by name, for that node may give it",
  async (_, late) => {
    const [a, b] = await ownerAndOther();
    late(a);
    await change({ reservedIPs: [NAMED] });
    await b.follow();
    await expect(byName(b)).rejects.toMatchObject({
      code: "not-withheld",
      retry: true,
      message: expect.stringMatching(/node "a", which issues from 10\.0\.0\.0\/29, .* 10\.0\.0\.3/),
    });
    expect(await any(a, "second", "third")).toEqual(["10.0.0.2", NAMED]);
  },
);

test("once the owner has heard, who names the address has it at once, and the owner gives it to nobody", async () => {
  const [a, b] = await ownerAndOther();
  await change({ reservedIPs: [NAMED] });
  await a.follow();
  await b.follow();
  expect(await byName(b)).toEqual([NAMED]);
  expect(await any(a, "second", "third")).toEqual(["10.0.0.2", "10.0.0.4"]);
});

test("an owner that is no more keeps nobody from what it withheld, whatever else the Subnet says since", async () => {
  const [a, b] = await ownerAndOther();
  await change({ reservedIPs: [NAMED] });
  await a.follow();
  await a.stop();
  await change({ excludeIPs: ["10.0.0.5"], reservedIPs: ["10.0.0.4", NAMED] });
  await b.follow();
  expect(await byName(b)).toEqual([NAMED]);
  const other = b.add(factsOf("other", { [ANNOTATIONS.ip]: "10.0.0.4" }), "other");
  await expect(other).rejects.toMatchObject({ code: "not-withheld" });
});

test("what nobody owns, and what this node owns itself, is had by name without a word of anybody", async () => {
  const b = await cluster.node("b");
  await change({ reservedIPs: [NAMED, "10.0.0.4"] });
  await b.follow();
  expect(await byName(b)).toEqual([NAMED]);
  await any(b, "plain");
  expect(b.ipam.blocks).toEqual(["10.0.0.0/29"]);
  expect(await b.add(factsOf("other", { [ANNOTATIONS.ip]: "10.0.0.4" }), "other")).toEqual(["10.0.0.4"]);
});

test("who takes an address by name of a block that a node which is late claims meanwhile does not have it", async () => {
  const a = await cluster.node("a");
  await change({ reservedIPs: [NAMED] });
  // Of the calls of an ADD by name the first asks for the address, the second for its block; two pauses each.
  let pauses = Number.NaN;
  const b = await cluster.node("b", {
    pause: async () => {
      pauses += 1;
      if (pauses !== 5) return;
      await any(a, "first");
      a.client.silence();
      expect(await any(a, "second", "third")).toContain(NAMED);
    },
  });
  pauses = 0;
  await expect(byName(b)).rejects.toMatchObject({ code: "not-withheld", retry: true });
  expect(b.booked).toEqual({});
  expect(Object.keys(a.booked)).toContain(NAMED);
});

test("an owner that starts again while the store is silent gives nothing that it said it withholds", async () => {
  const [a] = await ownerAndOther();
  const before = await cluster.level("a");
  await change({ reservedIPs: [NAMED] });
  await a.follow();
  await a.stop();
  const again = await cluster.node("a", { recalls: before, wires: [...a.wires.values()] });
  expect(await any(again, "second", "third")).toEqual(["10.0.0.2", "10.0.0.4"]);
});

test("nor does one that lost its disk, until the store says that it is withheld no more", async () => {
  const [a, b] = await ownerAndOther();
  await change({ reservedIPs: [NAMED] });
  await a.follow();
  await b.follow();
  await a.stop();
  await change({ reservedIPs: [] });
  const again = await cluster.node("a", { disk: "new", wires: [...a.wires.values()] });
  expect(await any(again, "second", "third")).toEqual(["10.0.0.2", "10.0.0.4"]);
  // That it is reserved no more is news to node b.
  expect(await byName(b)).toEqual([NAMED]);
});

test("what is reserved no more is given to anybody, but for what somebody has by name", async () => {
  const [a, b] = await ownerAndOther();
  await change({ reservedIPs: [NAMED, "10.0.0.4"] });
  await a.follow();
  await b.follow();
  expect(await byName(b)).toEqual([NAMED]);
  await change({ reservedIPs: [] });
  await a.follow();
  await a.ipam.reconcile();
  await a.follow();
  expect(await any(a, "second", "third")).toEqual(["10.0.0.2", "10.0.0.4"]);
  // Node b has not heard, and node a issues what it asks for.
  const other = b.add(factsOf("other", { [ANNOTATIONS.ip]: "10.0.0.4" }), "other");
  await expect(other).rejects.toMatchObject({ code: "not-withheld" });
});

const [BLOCK, RESERVED] = ["10.0.0.0/29", subnet("pods", "10.0.0.0/29", { blockSize: 29, reservedIPs: [NAMED] })];
const saidOf = async (store: ResourceStore): Promise<unknown> =>
  (await store.get(ipBlockKind, objectNameOfCidr(BLOCK)))?.status.withheld;

test("of what a pod has already nothing is said before the store knows whose it is", async () => {
  await withStock([RESERVED], async ({ stock, store, put, putBlock, follow }) => {
    await putBlock(BLOCK, "a");
    await follow();
    await stock.book.bind([bindingOf(NAMED, "web")]);
    await sayWithheld(stock);
    expect(await saidOf(store)).toBeUndefined();
    await put(instance(NAMED, "pods", { attachment: { sandbox: "web", interface: "eth0" } }));
    await sayWithheld(stock);
    expect(await saidOf(store)).toEqual([NAMED]);
  });
});

test("before it is given to anybody again, the store is asked who has it, and it is said that it is not withheld", async () => {
  await withStock([RESERVED], async ({ stock, store, putBlock, follow }) => {
    await putBlock(BLOCK, "a");
    await follow();
    await sayWithheld(stock);
    // Of which this node has not heard.
    await store.create(ipInstanceKind, {
      metadata: { name: objectNameOfAddress(NAMED) },
      spec: instance(NAMED, "pods", { node: "b" }).spec,
    });
    await follow([subnet("pods", "10.0.0.0/29", { blockSize: 29 })]);
    await issueAgain(stock);
    expect(await saidOf(store)).toEqual([]);
    await follow();
    const given = Array.from({ length: 6 }, () => stock.blocks.take("pods"));
    expect(given).not.toContain(NAMED);
    expect(stock.withheld).toEqual([]);
  });
});
