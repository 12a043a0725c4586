import { expect, test } from "@jest/globals";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { subnet } from "../../mesh/ipam/testing/objects.ts";
import type { IPBlock } from "../../mesh/resources.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { bindingOf, withStock } from "../testing/address-stock.ts";
import { takeUpBlock } from "./take-up.ts";
import { claimAhead, giveBack, reportCounts } from "./upkeep.ts";

/** Sixteen blocks of sixteen. */
const PODS = subnet("pods", "10.0.0.0/24", { blockSize: 28 });
const [FIRST, SECOND, THIRD] = ["10.0.0.0/28", "10.0.0.16/28", "10.0.0.32/28"] as const;

const blocksOf = async (store: ResourceStore): Promise<Record<string, string>> =>
  Object.fromEntries((await store.list(ipBlockKind)).map(({ spec }) => [spec.cidr, spec.node]));

test.each([
  ["less than a quarter of a block is free", PODS, 13, ["pods"]],
  ["a quarter of a block is free", PODS, 11, []],
  ["its Subnet is private", { ...PODS, spec: { ...PODS.spec, private: true } }, 15, []],
  ["its Subnet is disabled", { ...PODS, spec: { ...PODS.spec, disabled: true } }, 15, []],
  ["its Subnet is for other nodes", { ...PODS, spec: { ...PODS.spec, nodeSelector: { rack: "9" } } }, 15, []],
])("where %s, blocks are claimed ahead or are not", async (_, pods, taken, expected) => {
  await withStock([pods], async ({ stock, putBlock, follow }) => {
    await putBlock(FIRST, "a");
    await follow();
    for (let n = 0; n < taken; n += 1) stock.blocks.take("pods");
    const claimed: string[] = [];
    await claimAhead(stock, { claimBlock: async ({ metadata }) => claimed.push(metadata.name) > 0 });
    expect(claimed).toEqual(expected);
  });
});

test("what is empty and not needed is given back, and not taken up again by a level that is late", async () => {
  await withStock([PODS], async ({ stock, store, putBlock, follow }) => {
    for (const cidr of [FIRST, SECOND, THIRD]) await putBlock(cidr, "a");
    await follow();
    const late = stock.level;
    // With eleven free, the one block alone would have another claimed soon.
    for (let n = 0; n < 4; n += 1) stock.blocks.take("pods");
    await giveBack(stock);
    expect(await blocksOf(store)).toEqual({ [FIRST]: "a", [THIRD]: "a" });
    stock.follow(late);
    expect(stock.owned).toEqual([FIRST, THIRD]);
    await follow();
    await giveBack(stock);
    expect(stock.owned).toEqual([FIRST, THIRD]);
  });
});

test("a block that is another node's by now is not taken from it", async () => {
  await withStock([PODS], async ({ stock, store, putBlock, follow }) => {
    for (const cidr of [FIRST, SECOND]) await putBlock(cidr, "a");
    await follow();
    stock.blocks.take("pods");
    const [, present] = (await store.list(ipBlockKind)) as [IPBlock, IPBlock];
    await store.delete(ipBlockKind, present.metadata.name);
    await putBlock(SECOND, "b");
    await giveBack(stock);
    expect(await blocksOf(store)).toEqual({ [FIRST]: "a", [SECOND]: "b" });
  });
});

test("while the store is silent nothing is issued from what is given back, and it is given back later", async () => {
  await withStock([PODS], async ({ stock, store, client, putBlock, follow }) => {
    for (const cidr of [FIRST, SECOND]) await putBlock(cidr, "a");
    await follow();
    stock.blocks.take("pods");
    client.silence();
    await expect(giveBack(stock)).rejects.toMatchObject({ code: "store-unreachable" });
    expect(stock.owned).toEqual([FIRST]);
    await follow();
    expect(stock.owned).toEqual([FIRST]);
    client.resume();
    await giveBack(stock);
    expect(await blocksOf(store)).toEqual({ [FIRST]: "a" });
  });
});

test("what was given back is not issued from by an agent that starts on what the store said before", async () => {
  await withStock([PODS], async ({ stock, store, putBlock, follow, restart }) => {
    for (const cidr of [FIRST, SECOND]) await putBlock(cidr, "a");
    await follow();
    const before = stock.level;
    await giveBack(stock);
    expect(await blocksOf(store)).toEqual({ [SECOND]: "a" });
    const again = await restart();
    again.follow(before);
    expect(again.owned).toEqual([SECOND]);
    // The store that is heard then says that it is this node's once more.
    await putBlock(FIRST, "a");
    again.store = store;
    await takeUpBlock(again, FIRST);
    const last = await restart();
    last.follow(before);
    expect(last.owned).toEqual([FIRST, SECOND]);
  });
});

test("what was to be given back when the agent was killed is given back by the next one", async () => {
  await withStock([PODS], async ({ stock, store, client, putBlock, follow, restart }) => {
    for (const cidr of [FIRST, SECOND]) await putBlock(cidr, "a");
    await follow();
    client.silence();
    await expect(giveBack(stock)).rejects.toMatchObject({ code: "store-unreachable" });
    const again = await restart();
    again.follow(stock.level);
    expect(again.owned).toEqual([SECOND]);
    again.store = store;
    await giveBack(again);
    expect(await blocksOf(store)).toEqual({ [SECOND]: "a" });
  });
});

test("a block whose Subnet is gone is kept as long as pods have addresses of it", async () => {
  await withStock([PODS], async ({ stock, store, putBlock, follow }) => {
    await putBlock(FIRST, "a");
    await follow();
    await stock.book.bind([bindingOf("10.0.0.3", "web")]);
    await follow([]);
    await giveBack(stock);
    expect(await blocksOf(store)).toEqual({ [FIRST]: "a" });
    await stock.book.free(["10.0.0.3"]);
    await giveBack(stock);
    expect(await blocksOf(store)).toEqual({});
  });
});

test("how full a block is is said when it changed, and a level that is late is no fault", async () => {
  await withStock([PODS], async ({ stock, store, putBlock, follow }) => {
    for (const cidr of [FIRST, SECOND]) await putBlock(cidr, "a");
    await putBlock(THIRD, "b");
    await follow();
    stock.blocks.take("pods");
    await reportCounts(stock);
    const statuses = async () => (await store.list(ipBlockKind)).map(({ status }) => status);
    // The Subnet's first and last address mean all of it.
    const [used, whole] = [
      { used: 1, free: 14 },
      { used: 0, free: 16 },
    ];
    expect(await statuses()).toEqual([used, whole, {}]);
    stock.blocks.take("pods");
    await reportCounts(stock);
    await follow();
    await reportCounts(stock);
    expect((await statuses())[0]).toEqual({ used: 2, free: 13 });
  });
});
