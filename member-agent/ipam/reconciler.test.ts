import { describe, expect, jest, test } from "@jest/globals";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { instance, subnet } from "../../mesh/ipam/testing/objects.ts";
import type { IPInstance, IPInstanceSpec } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress, objectNameOfCidr } from "../../mesh/names.ts";
import { MeshError } from "../../platform/errors.ts";
import { bindingOf, withStock } from "../testing/address-stock.ts";
import type { StockWorld } from "../testing/address-stock.ts";
import { silent } from "../testing/folder.ts";
import type { Binding } from "./binding.ts";
import { addressesInDoubt, reclaimBlock, reconcileAddress } from "./reconciler.ts";
import type { ReconcilerParts } from "./reconciler.ts";

const PODS = [subnet("pods", "10.0.0.0/28", { blockSize: 29 })];
const BLOCK = "10.0.0.0/29";
const ADDRESS = "10.0.0.2";

interface Bench extends StockWorld {
  readonly parts: ReconcilerParts;
  /** Addresses whose routes were taken away. */
  readonly cut: string[];
  readonly at: (address: string) => Promise<IPInstanceSpec | undefined>;
  /** Has an address bound to a pod of this node, of its block. */
  readonly bind: (binding: Binding) => Promise<void>;
}

/** Node "a" that issues from its block. */
function withBlock(use: (bench: Bench) => Promise<void>, pause?: () => Promise<void>): Promise<void> {
  return withStock(
    PODS,
    async (world) => {
      const cut: string[] = [];
      const cutOff = async ({ address }: Binding) => void cut.push(address);
      const parts: ReconcilerParts = { stock: world.stock, cutOff, inTurn: (_, act) => act(), log: silent };
      await world.putBlock(BLOCK, "a");
      await world.follow();
      await use({
        ...world,
        parts,
        cut,
        at: async (address) => (await world.store.get(ipInstanceKind, objectNameOfAddress(address)))?.spec,
        bind: async (binding) => {
          world.stock.blocks.claim(binding.address);
          await world.stock.book.bind([binding]);
        },
      });
    },
    pause,
  );
}

/** Kept for a set's pod that runs nowhere. */
const kept = (address: string, pod: string, spec: Partial<IPInstanceSpec> = {}): IPInstance =>
  instance(address, "pods", {
    pod: { namespace: "shop", name: pod, uid: "earlier" },
    owner: { kind: "StatefulSet", name: "web", uid: "uid-web" },
    node: undefined,
    attachment: undefined,
    retained: true,
    ...spec,
  });

test("what a pod was given is written behind, and what is there already is not written again", async () => {
  await withBlock(async ({ parts, bind, at, stock, store }) => {
    await bind(bindingOf(ADDRESS, "web"));
    expect(addressesInDoubt(stock)).toEqual([ADDRESS]);
    await reconcileAddress(parts, ADDRESS);
    expect(await at(ADDRESS)).toMatchObject({ node: "a", pod: { name: "web" }, attachment: { sandbox: "web" } });
    const [object] = (await store.list(ipInstanceKind)) as [IPInstance];
    stock.index.note({ op: "put", name: object.metadata.name, object });
    expect(addressesInDoubt(stock)).toEqual([]);
    await reconcileAddress(parts, ADDRESS);
    expect((await store.list(ipInstanceKind))[0]?.metadata.resourceVersion).toBe(object.metadata.resourceVersion);
  });
});

test("an address that the store gave to another has its route taken away, and is not issued while that has it", async () => {
  await withBlock(async ({ parts, bind, put, cut, at, stock }) => {
    await bind(bindingOf(ADDRESS, "web"));
    await put(instance(ADDRESS, "pods", { node: "b", pod: { namespace: "shop", name: "other", uid: "other" } }));
    await reconcileAddress(parts, ADDRESS);
    expect(cut).toEqual([ADDRESS]);
    expect([...stock.book.held]).toEqual([ADDRESS]);
    expect(await at(ADDRESS)).toMatchObject({ node: "b" });
    expect(stock.blocks.claim(ADDRESS)).toBe(false);
  });
});

test.each<[string, Partial<IPInstanceSpec>]>([
  ["kept for it by the controller, which took this node for gone", { node: undefined, attachment: undefined }],
  ["said to be on another node in this very sandbox", { node: "b", attachment: bindingOf(ADDRESS, "web").attachment }],
])("an address of a pod that runs here is its own though it is %s", async (_, spec) => {
  await withBlock(async ({ parts, bind, put, cut, at }) => {
    const binding = bindingOf(ADDRESS, "web", { retained: true, claimed: true });
    await bind(binding);
    await put(instance(ADDRESS, "pods", { pod: binding.pod, retained: true, ...spec }));
    await reconcileAddress(parts, ADDRESS);
    expect(cut).toEqual([]);
    expect(await at(ADDRESS)).toMatchObject({ node: "a", attachment: binding.attachment });
  });
});

test("what this node's pods have no more is kept where it is retained, and gone where it is not", async () => {
  await withBlock(async ({ parts, put, at, store }) => {
    await put(instance("10.0.0.2", "pods", { retained: true }));
    await put(instance("10.0.0.3", "pods"));
    await store.create(ipBlockKind, {
      metadata: { name: objectNameOfCidr("10.0.0.3/32") },
      spec: { cidr: "10.0.0.3/32", node: "a", purpose: "Pods" },
    });
    for (const address of ["10.0.0.2", "10.0.0.3"]) await reconcileAddress(parts, address);
    expect(await at("10.0.0.2")).toEqual(expect.not.objectContaining({ node: expect.anything() }));
    expect((await at("10.0.0.2"))?.attachment).toBeUndefined();
    expect(await at("10.0.0.3")).toBeUndefined();
    expect((await store.list(ipBlockKind)).map(({ spec }) => spec.cidr)).toEqual([BLOCK]);
  });
});

describe("whichever answer of the store is lost", () => {
  const calls = [0, 1, 2, 3, 4, 5, 6, 7, 8, 9];
  /** Loses the answer to one call, or the call, and then looks again as long as there is doubt. */
  async function settled(nth: number, prepare: (bench: Bench) => Promise<void>): Promise<IPInstance | undefined> {
    let left = Infinity;
    let found: IPInstance | undefined;
    const pause = async (): Promise<void> => {
      left -= 1;
      if (left === -1) throw new MeshError("store-unreachable", "lost", { retry: true });
    };
    await withBlock(async (bench) => {
      const { parts, stock, store } = bench;
      await prepare(bench);
      left = nth;
      await reconcileAddress(parts, ADDRESS).catch(() => undefined);
      left = Infinity;
      for (let passes = 0; passes < 3; passes += 1) {
        await bench.follow();
        for (const object of await store.list(ipInstanceKind)) {
          stock.index.note({ op: "put", name: object.metadata.name, object });
        }
        for (const address of addressesInDoubt(stock)) await reconcileAddress(parts, address);
      }
      found = await store.get(ipInstanceKind, objectNameOfAddress(ADDRESS));
    }, pause);
    return found;
  }

  test.each(calls)("an address that is kept from now on says so in the end (call %i)", async (nth) => {
    const found = await settled(nth, async ({ put }) => put(instance(ADDRESS, "pods", { retained: true })));
    expect([found?.spec.node, found?.status.phase]).toEqual([undefined, "Retained"]);
  });

  test.each(calls)("an address that a pod came back for says so in the end (call %i)", async (nth) => {
    // Of a LAN: a block of one that is missing would have it looked into again.
    const binding = bindingOf(ADDRESS, "web-0", { retained: true, claimed: true, type: "Underlay" });
    const found = await settled(nth, async ({ store, bind, stock }) => {
      const { metadata, spec } = kept(ADDRESS, "web-0");
      const status = { phase: "Retained" } as const;
      const object = await store.create(ipInstanceKind, { metadata: { name: metadata.name }, spec, status });
      stock.index.note({ op: "put", name: metadata.name, object });
      await bind(binding);
    });
    expect([found?.spec.node, found?.status.phase]).toEqual(["a", "Bound"]);
  });
});

test("an address that is bound again while it is given up keeps its route", async () => {
  let act = (): Promise<void> => Promise.resolve();
  await withBlock(
    async ({ parts, put, putBlock, store }) => {
      await put(instance(ADDRESS, "pods"));
      await putBlock(`${ADDRESS}/32`, "a");
      let calls = 0;
      act = async () => {
        calls += 1;
        // Between the look at it and the first change.
        if (calls !== 2) return;
        const present = (await store.get(ipInstanceKind, objectNameOfAddress(ADDRESS))) as IPInstance;
        await store.update(ipInstanceKind, { ...present, spec: { ...present.spec, retained: true } });
      };
      await reconcileAddress(parts, ADDRESS).catch(() => undefined);
      expect((await store.list(ipBlockKind)).map(({ spec }) => spec.cidr)).toContain(`${ADDRESS}/32`);
    },
    () => act(),
  );
});

test("what an ADD has begun to claim while the store was asked is no leftover", async () => {
  let pause = Promise.resolve();
  const gate = Promise.withResolvers<void>();
  await withBlock(
    async ({ parts, put, at, stock }) => {
      await put(instance(ADDRESS, "pods"));
      pause = gate.promise;
      const reconciled = reconcileAddress(parts, ADDRESS);
      stock.claiming.add(ADDRESS);
      gate.resolve();
      await reconciled;
      expect(await at(ADDRESS)).toMatchObject({ node: "a" });
    },
    () => pause,
  );
});

test.each<[string, IPInstance]>([
  ["another node has", instance(ADDRESS, "pods", { node: "b" })],
  ["is kept for a pod to come", kept(ADDRESS, "web-0")],
  ["was claimed here by a call whose answer did not come", instance(ADDRESS, "pods", { retained: true })],
])("an address of this node's block that %s is held, though nobody wrote it down, until it is gone", async (_, of) => {
  await withBlock(async ({ parts, put, store, stock }) => {
    await put(of);
    expect(addressesInDoubt(stock)).toEqual([ADDRESS]);
    await reconcileAddress(parts, ADDRESS);
    expect([...stock.book.held]).toEqual([ADDRESS]);
    const taken = [1, 2, 3, 4, 5, 6, 7].map(() => stock.blocks.take("pods"));
    expect(taken).not.toContain(ADDRESS);
    await store.delete(ipInstanceKind, objectNameOfAddress(ADDRESS));
    await reconcileAddress(parts, ADDRESS);
    expect([...stock.book.freed]).toEqual([ADDRESS]);
    expect(stock.blocks.take("pods")).toBe(ADDRESS);
  });
});

test("what is held is not free as long as a block of one is asked for it", async () => {
  await withBlock(async ({ parts, stock, putBlock, store }) => {
    stock.blocks.claim(ADDRESS);
    await stock.book.hold([ADDRESS]);
    await putBlock(`${ADDRESS}/32`, "b");
    await reconcileAddress(parts, ADDRESS);
    expect([...stock.book.held]).toEqual([ADDRESS]);
    await store.delete(ipBlockKind, objectNameOfCidr(`${ADDRESS}/32`));
    await reconcileAddress(parts, ADDRESS);
    expect([...stock.book.held]).toEqual([]);
  });
});

test("what could not be written down as another's is as soon as it can be, and free once nobody has it", async () => {
  await withBlock(async ({ parts, stock, store, put }) => {
    const free = stock.blocks.free("pods");
    await put(instance(ADDRESS, "pods", { node: "b" }));
    const full = new MeshError("journal-failed", "the disk is full", { retry: true });
    jest.spyOn(stock.book, "hold").mockRejectedValueOnce(full);
    await expect(reconcileAddress(parts, ADDRESS)).rejects.toBe(full);
    await reconcileAddress(parts, ADDRESS);
    expect([...stock.book.held]).toEqual([ADDRESS]);
    expect(stock.blocks.free("pods")).toBe(free - 1);
    await store.delete(ipInstanceKind, objectNameOfAddress(ADDRESS));
    await reconcileAddress(parts, ADDRESS);
    expect(stock.blocks.free("pods")).toBe(free);
  });
});

test("what was kept for a pod that came back and chose another is given up, and nothing else is", async () => {
  await withBlock(async ({ parts, bind, put, at, stock }) => {
    const owner = { kind: "StatefulSet", name: "web", uid: "uid-web" };
    await put(kept("10.0.0.9", "web-0"));
    await put(kept("10.0.0.10", "web-1"));
    await put(kept("10.0.0.11", "web-0", { owner: { ...owner, uid: "an-earlier-set" } }));
    await put(kept("10.0.0.12", "web-0", { owner: undefined, pod: { namespace: "shop", name: "web-0", uid: "" } }));
    await put(kept("10.0.0.13", "web-0", { node: "b", attachment: { sandbox: "s", interface: "eth0" } }));
    await put(kept("fd00::9", "web-0"));
    await put(kept("fd00::10", "web-0", { network: "lan" }));
    await put(kept("10.0.0.14", "web-0", { interface: "net1" }));
    await put(kept("10.0.0.15", "web-0", { interface: "eth0" }));
    await bind(bindingOf(ADDRESS, "web-0", { owner, retained: true, claimed: true }));
    const leftovers = ["10.0.0.9", "fd00::10", "10.0.0.15"];
    expect(addressesInDoubt(stock)).toEqual([ADDRESS, ...leftovers]);
    const others = ["10.0.0.10", "10.0.0.11", "10.0.0.12", "10.0.0.13", "fd00::9", "10.0.0.14"];
    for (const address of [...leftovers, ...others]) await reconcileAddress(parts, address);
    for (const address of leftovers) expect(await at(address)).toBeUndefined();
    for (const address of others) expect(await at(address)).toBeDefined();
  });
});

test("a block that the store forgot is claimed again, and what others have of it by now is held", async () => {
  await withBlock(async ({ parts, bind, put, store, stock, follow }) => {
    await bind(bindingOf(ADDRESS, "web"));
    await store.delete(ipBlockKind, objectNameOfCidr(BLOCK));
    await put(kept("10.0.0.1", "web-0"));
    expect(await follow()).toEqual({ vanished: [BLOCK], appeared: [] });
    expect(stock.blocks.take("pods")).toBeUndefined();
    await reclaimBlock(parts, BLOCK);
    expect((await store.list(ipBlockKind)).map(({ spec }) => spec)).toMatchObject([{ cidr: BLOCK, node: "a" }]);
    expect(stock.blocks.take("pods")).toBe("10.0.0.3");
  });
});

test("a block that the store gave to another node is lost, with every pod that has an address of it", async () => {
  await withBlock(async ({ parts, bind, store, stock, cut, follow, putBlock }) => {
    await bind(bindingOf(ADDRESS, "web"));
    await store.delete(ipBlockKind, objectNameOfCidr(BLOCK));
    await putBlock(BLOCK, "b");
    const { vanished } = await follow();
    for (const cidr of vanished) await reclaimBlock(parts, cidr);
    expect(cut).toEqual([ADDRESS]);
    expect(stock.book.bindings.size).toBe(0);
    expect((await store.list(ipBlockKind)).map(({ spec }) => spec)).toMatchObject([{ cidr: BLOCK, node: "b" }]);
  });
});
