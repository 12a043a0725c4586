import { afterEach, expect, jest, test } from "@jest/globals";
import { setTimeout as delay } from "node:timers/promises";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { instance, subnet, subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import type { IPBlockStatus } from "../../mesh/resources.ts";
import { MeshError } from "../../platform/errors.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { systemClock } from "../../platform/clock.ts";
import { AddressCluster, factsOf } from "../testing/address-node.ts";
import type { AddressNode } from "../testing/address-node.ts";
import { bindingOf, withStock } from "../testing/address-stock.ts";
import { silent } from "../testing/folder.ts";
import { BlockClaims } from "./block-claims.ts";
import { borrowAddress, lend } from "./lending.ts";

/** One block for all of six addresses. */
const ONE_BLOCK = { pods: subnetSpec("10.0.0.0/29", { blockSize: 29 }) };
const SLOW_MS = 60_000;

let cluster: AddressCluster | undefined;
let isOver = true;
let looking: Promise<unknown> = Promise.resolve();
afterEach(async () => {
  isOver = true;
  await looking;
  await cluster?.remove();
  cluster = undefined;
});

/** Two nodes, of which the first owns the block; each follows the store, until the test is over. */
async function twoNodes(): Promise<readonly [AddressCluster, AddressNode, AddressNode]> {
  const opened = await AddressCluster.open(ONE_BLOCK);
  cluster = opened;
  const [a, b] = [await opened.node("a"), await opened.node("b")];
  await a.ipam.claimAhead();
  isOver = false;
  const look = async (node: AddressNode): Promise<void> => {
    while (!isOver) {
      await node.follow().catch(() => undefined);
      await delay(10);
    }
  };
  looking = Promise.all([look(a), look(b)]);
  await eventually(async () => a.ipam.blocks.length === 1);
  return [opened, a, b];
}

const onesOf = async ({ store }: AddressCluster): Promise<Record<string, string>> =>
  Object.fromEntries(
    (await store.list(ipBlockKind)).flatMap(({ spec }) => (spec.cidr.endsWith("/32") ? [[spec.cidr, spec.node]] : [])),
  );

test(
  "where every block is owned addresses are borrowed, none twice, until there is none; then it is said which family",
  async () => {
    const [opened, a, b] = await twoNodes();
    const asked = await Promise.allSettled(
      [1, 2, 3, 4, 5, 6, 7].map((n) => (n % 2 === 0 ? a : b).add(factsOf(`p${n}`), `p${n}`)),
    );
    const given = asked.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
    expect(new Set(given).size).toBe(given.length);
    // Whoever is told that there is none is told what to do, and asks again.
    for (let n = 8; Object.keys({ ...a.booked, ...b.booked }).length < 6; n += 1) {
      await b.add(factsOf(`p${n}`), `p${n}`).catch(() => undefined);
    }
    await expect(b.add(factsOf("last"), "last")).rejects.toMatchObject({
      code: "addresses-exhausted",
      message: expect.stringContaining("no IPv4 address is left"),
    });
    const borrowed = Object.keys(b.booked);
    expect(Object.keys(await onesOf(opened)).toSorted()).toEqual(borrowed.map((each) => `${each}/32`).toSorted());
    expect(Object.keys(a.booked).filter((address) => borrowed.includes(address))).toEqual([]);
  },
  SLOW_MS,
);

test(
  "what was borrowed and given back is its owner's to issue again",
  async () => {
    const [opened, a, b] = await twoNodes();
    const [address = ""] = await b.add(factsOf("guest"), "guest");
    await eventually(async () => (await opened.store.list(ipInstanceKind)).length === 1);
    await b.del("guest");
    await eventually(async () => Object.keys(await onesOf(opened)).length === 0);
    await a.ipam.reconcile();
    const given: string[] = [];
    await eventually(async () => {
      for (let n = given.length; n < 6; n += 1) {
        const [next] = await a.add(factsOf(`p${n}`), `p${n}`).catch(() => []);
        if (next !== undefined) given.push(next);
        await a.ipam.reconcile();
      }
      return given.includes(address);
    });
    expect(new Set(given).size).toBe(given.length);
  },
  SLOW_MS,
);

test(
  "an owner that lost its disk issues nothing that others borrowed",
  async () => {
    const [opened, a, b] = await twoNodes();
    const [address = ""] = await b.add(factsOf("guest"), "guest");
    isOver = true;
    await looking;
    await a.stop();
    const again = await opened.node("a", { disk: "new" });
    for (let n = 1; n <= 5; n += 1) expect(await again.add(factsOf(`p${n}`), `p${n}`)).not.toContain(address);
    await expect(again.add(factsOf("p6"), "p6")).rejects.toMatchObject({ code: "addresses-exhausted" });
  },
  SLOW_MS,
);

test("an owner that is down lends nothing, and what was asked of it is taken back", async () => {
  const [opened, a, b] = await twoNodes();
  isOver = true;
  await looking;
  await a.stop();
  await b.follow();
  await expect(b.add(factsOf("guest"), "guest")).rejects.toMatchObject({ code: "addresses-exhausted", retry: true });
  expect(await onesOf(opened)).toEqual({});
}, 60_000);

const BLOCK = [subnet("pods", "10.0.0.0/29", { blockSize: 29 })];

test("an owner lends what is free, refuses what its pods have, and leaves what has moved where it is", async () => {
  await withStock(BLOCK, async ({ stock, store, putBlock, put, follow }) => {
    await putBlock("10.0.0.0/29", "a");
    await follow();
    for (const last of [1, 2]) {
      stock.blocks.claim(`10.0.0.${last}`);
      await stock.book.bind([bindingOf(`10.0.0.${last}`, `p${last}`, { retained: true, claimed: true })]);
    }
    await put(instance("10.0.0.2", "pods", { node: "b" }));
    for (const last of [1, 2, 3]) await putBlock(`10.0.0.${last}/32`, "b");
    await follow();
    await lend(stock);
    const answers = (await store.list(ipBlockKind)).map(({ spec, status }) => [spec.cidr, status.used]);
    expect(Object.fromEntries(answers)).toEqual({
      "10.0.0.0/29": undefined,
      "10.0.0.2/32": undefined,
      "10.0.0.3/32": 1,
    });
    expect([...stock.book.held]).toEqual(["10.0.0.3"]);
    expect(stock.blocks.claim("10.0.0.3")).toBe(false);
  });
});

test("an owner whose disk is full lends nothing, and what it was asked for once there is room", async () => {
  await withStock(BLOCK, async ({ stock, store, putBlock, follow }) => {
    await putBlock("10.0.0.0/29", "a");
    await putBlock("10.0.0.3/32", "b");
    await follow();
    const full = new MeshError("journal-failed", "the disk is full", { retry: true });
    const hold = jest.spyOn(stock.book, "hold").mockRejectedValueOnce(full);
    const free = stock.blocks.free("pods");
    await expect(lend(stock)).rejects.toBe(full);
    expect(stock.blocks.free("pods")).toBe(free);
    await lend(stock);
    expect(hold).toHaveBeenCalledTimes(2);
    expect([...stock.book.held]).toEqual(["10.0.0.3"]);
    expect((await store.get(ipBlockKind, "10-0-0-3-32"))?.status.used).toBe(1);
  });
});

test("a full Subnet costs no call to the store, and a look at no address whose owner says that it has none", async () => {
  const pods = subnet("pods", "10.0.0.0/26", { blockSize: 28 });
  let messages = 0;
  const pause = async (): Promise<void> => void (messages += 1);
  await withStock(
    [pods],
    async ({ stock, store, putBlock, follow }) => {
      const say = async (cidr: string, status: IPBlockStatus): Promise<void> => {
        const [block] = (await store.list(ipBlockKind)).filter(({ spec }) => spec.cidr === cidr);
        if (block !== undefined) await store.updateStatus(ipBlockKind, { ...block, status });
      };
      const blocks = [0, 16, 32, 48].map((last) => `10.0.0.${last}/28`);
      for (const [at, cidr] of blocks.entries()) {
        await putBlock(cidr, `owner-${at}`);
        await say(cidr, { used: 16, free: 0 });
      }
      await follow();
      for (let last = 0; last < 64; last += 1) {
        const object = instance(`10.0.0.${last}`, "pods");
        stock.index.note({ op: "put", name: object.metadata.name, object });
      }
      const look = jest.spyOn(stock.index, "at");
      const ask = async (): Promise<Record<string, unknown>> => {
        const isClaimed = await new BlockClaims(stock, silent).claim(pods);
        const borrowed = await borrowAddress(stock, pods, { clock: systemClock, signal: new AbortController().signal });
        const looks = look.mock.calls.length;
        look.mockClear();
        return { isClaimed, borrowed, looks, messages };
      };
      const nothing = { isClaimed: false, borrowed: undefined, looks: 0, messages: 0 };
      expect(await ask()).toEqual(nothing);
      // What an owner says may be older than what is known of its addresses: they are looked at once in a while.
      await say(blocks[1] ?? "", { used: 15, free: 1 });
      await follow();
      expect(await ask()).toEqual({ ...nothing, looks: 16 });
      expect(await ask()).toEqual(nothing);
    },
    pause,
  );
});
