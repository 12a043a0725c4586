import { expect, test } from "@jest/globals";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import { instance, network, subnet } from "../../mesh/ipam/testing/objects.ts";
import type { Attachment, IPInstance, IPInstanceSpec, Subnet } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { systemClock } from "../../platform/clock.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { memoryStore } from "../../platform/testing/memory-store.ts";
import { attachmentOf, factsOf } from "../testing/address-node.ts";
import { silent, withFolder } from "../testing/folder.ts";
import { Allocator } from "./allocator.ts";
import type { Allocation } from "./allocation.ts";
import { AddressBook } from "./book.ts";
import { AddressStock } from "./stock.ts";

interface World {
  readonly store: ResourceStore;
  readonly stock: AddressStock;
  /** MAC addresses on the LAN, by address. */
  readonly lan: Map<string, string>;
  /** Gateways that answer on the LAN. */
  readonly gateways: Set<string>;
  readonly add: (facts: PodFacts, attachment?: Attachment) => Promise<Allocation>;
  /** Stores an address, and has the node hear of it. */
  readonly put: (of: IPInstance) => Promise<void>;
}

/** Two of them, of one LAN. */
const NODES = new Map([
  ["192.168.1.1", "a"],
  ["192.168.1.2", "b"],
]);

/** Node "a", which hears of the store what it is told: a level that may lag behind. */
async function within(subnets: readonly Subnet[], use: (world: World) => Promise<void>): Promise<void> {
  await withFolder(async (folder) => {
    const life = new AbortController();
    const stock = new AddressStock("a", await AddressBook.open(folder, silent));
    const { store } = memoryStore({ clock: systemClock, log: silent }).connect();
    stock.store = store;
    const networks = [network("overlay"), network("lan", { type: "Underlay" })];
    stock.follow({ networks, subnets, blocks: [], node: { name: "a", labels: {} }, nodeAddresses: NODES });
    const lan = new Map<string, string>();
    const probe = async (address: string) => lan.get(address);
    const gateways = new Set<string>();
    const reaches = async (gateway: string) => gateways.has(gateway);
    const allocator = new Allocator({ stock, probe, reaches, clock: systemClock, signal: life.signal, log: silent });
    const put = async ({ metadata: { name }, spec }: IPInstance): Promise<void> => {
      const object = await store.create(ipInstanceKind, { metadata: { name }, spec });
      stock.index.note({ op: "put", name, object });
    };
    const add = (facts: PodFacts, attachment = attachmentOf(facts.pod.name)) => allocator.allocate(facts, attachment);
    try {
      await use({ store, stock, lan, gateways, put, add });
    } finally {
      life.abort();
      await stock.book.close();
    }
  });
}

const addressesOf = ({ bindings }: Allocation): string[] => bindings.map(({ address }) => address);
/** Kept for a set's pod that does not run. */
const kept = (address: string, of: string, pod: string, spec: Partial<IPInstanceSpec> = {}): IPInstance =>
  instance(address, of, {
    pod: { namespace: "shop", name: pod, uid: "earlier" },
    owner: { kind: "StatefulSet", name: "web", uid: "uid-web" },
    node: undefined,
    attachment: undefined,
    retained: true,
    ...spec,
  });
const web = (annotations: Readonly<Record<string, string>> = {}) => factsOf("web-0", annotations, "web");

const SIX = [subnet("pods", "10.0.0.0/29", { blockSize: 29 })];

test("an address that was kept, and is another pod's by now, is not taken from it", async () => {
  await within(SIX, async ({ add, stock }) => {
    expect(addressesOf(await add(factsOf("plain")))).toEqual(["10.0.0.1"]);
    // What was kept was released, and the news of it is on its way.
    const stale = kept("10.0.0.1", "pods", "web-0");
    stock.index.note({ op: "put", name: stale.metadata.name, object: stale });
    expect(addressesOf(await add(web()))).toEqual(["10.0.0.2"]);
  });
});

test("where what was kept is gone, and what there is now is another's, the pod has another address", async () => {
  await within(SIX, async ({ add, put, store, stock }) => {
    await put(kept("10.0.0.3", "pods", "web-0"));
    await store.delete(ipInstanceKind, objectNameOfAddress("10.0.0.3"));
    await store.create(ipInstanceKind, {
      metadata: { name: objectNameOfAddress("10.0.0.3") },
      spec: kept("10.0.0.3", "pods", "another-0").spec,
    });
    expect(addressesOf(await add(web()))).toEqual(["10.0.0.1"]);
    expect(stock.claiming.size).toBe(0);
  });
});

test("an address by name that a pod of this node has, though the store does not know, is refused", async () => {
  await within(SIX, async ({ add, stock }) => {
    await add(factsOf("plain"));
    const [pods] = SIX as [Subnet];
    const reserved = { ...pods, spec: { ...pods.spec, reservedIPs: ["10.0.0.1"] } };
    stock.follow({ ...stock.level, subnets: [reserved] });
    const named = add(factsOf("named", { [ANNOTATIONS.ip]: "10.0.0.1" }));
    await expect(named).rejects.toMatchObject({ code: "address-in-use", retry: true });
  });
});

test("a second interface of a pod has an address of its own, not that of the first", async () => {
  await within(SIX, async ({ add, store, stock }) => {
    const first = await add(web(), { sandbox: "s", interface: "eth0" });
    const [object] = (await store.list(ipInstanceKind)) as [IPInstance];
    stock.index.note({ op: "put", name: object.metadata.name, object });
    const second = await add(web(), { sandbox: "s", interface: "net1" });
    expect(addressesOf(second)).not.toEqual(addressesOf(first));
    expect(stock.book.of({ sandbox: "s", interface: "eth0" })).toHaveLength(1);
  });
});

test("an address by name that one interface of a sandbox has is refused to another", async () => {
  const reserved = [subnet("pods", "10.0.0.0/29", { blockSize: 29, reservedIPs: ["10.0.0.3"] })];
  await within(reserved, async ({ add }) => {
    const named = factsOf("till", { [ANNOTATIONS.ip]: "10.0.0.3" });
    expect(addressesOf(await add(named))).toEqual(["10.0.0.3"]);
    const second = add(named, { ...attachmentOf("till"), interface: "net1" });
    await expect(second).rejects.toMatchObject({ code: "address-in-use" });
  });
});

test("pods of other names are other pods, whatever uid a runtime says of them", async () => {
  await within(SIX, async ({ add, stock }) => {
    const [one, other] = ["one", "other"].map((name) => ({
      ...factsOf(name),
      pod: { ...factsOf(name).pod, uid: "u" },
    }));
    const first = await add(one as PodFacts);
    expect(addressesOf(await add(other as PodFacts))).not.toEqual(addressesOf(first));
    expect(stock.book.of(attachmentOf("one"))).toHaveLength(1);
  });
});

test("a pod that comes back has its address again, and the wire of its former sandbox is named", async () => {
  await within(SIX, async ({ add, store, stock }) => {
    const before = await add(web(), attachmentOf("s1"));
    const [object] = (await store.list(ipInstanceKind)) as [IPInstance];
    stock.index.note({ op: "put", name: object.metadata.name, object });
    const later = { ...web(), pod: { namespace: "shop", name: "web-0", uid: "later" } };
    const after = await add(later, attachmentOf("s2"));
    expect(addressesOf(after)).toEqual(addressesOf(before));
    expect(after).toMatchObject({ isNew: true, former: attachmentOf("s1") });
    expect(stock.book.of(attachmentOf("s1"))).toEqual([]);
    const [{ spec }] = (await store.list(ipInstanceKind)) as [IPInstance];
    expect(spec).toMatchObject({ node: "a", attachment: attachmentOf("s2"), pod: { uid: "later" } });
  });
});

test("a take-over is undone when the other family has nothing left, and what it took over is as it was", async () => {
  const subnets = [
    ...SIX,
    subnet("six", "fd00::/125", { range: { start: "fd00::1", end: "fd00::1" }, blockSize: 125 }),
  ];
  await within(subnets, async ({ add, put, store }) => {
    await add(factsOf("first"));
    const before = kept("10.0.0.3", "pods", "web-0", { node: "b", attachment: attachmentOf("on-b") });
    await put(before);
    await expect(add(web())).rejects.toMatchObject({ message: expect.stringContaining("no IPv6 address") });
    expect((await store.get(ipInstanceKind, objectNameOfAddress("10.0.0.3")))?.spec).toMatchObject({
      node: "b",
      attachment: attachmentOf("on-b"),
    });
  });
});

test("an address that a person keeps for a pod is its at every start, unless the pod says that it keeps none", async () => {
  const hall = subnet("hall", "192.168.1.0/29", { network: "lan" });
  await within([hall], async ({ add, put, store, stock }) => {
    const onLan = { [ANNOTATIONS.networkType]: "Underlay" };
    const pod = { namespace: "shop", name: "till", uid: "" };
    await put(
      instance("192.168.1.5", "hall", { pod, network: "lan", node: undefined, attachment: undefined, retained: true }),
    );
    expect(addressesOf(await add(factsOf("till", onLan), attachmentOf("first")))).toEqual(["192.168.1.5"]);
    await stock.book.free(["192.168.1.5"]);
    const object = await store.get(ipInstanceKind, objectNameOfAddress("192.168.1.5"));
    if (object !== undefined) stock.index.note({ op: "put", name: object.metadata.name, object });
    const later = { ...factsOf("till", onLan), pod: { ...pod, uid: "another" } };
    expect(addressesOf(await add(later, attachmentOf("second")))).toEqual(["192.168.1.5"]);
    await stock.book.free(["192.168.1.5"]);
    const fickle = { ...later, annotations: { ...onLan, [ANNOTATIONS.retain]: "false" } };
    expect(addressesOf(await add(fickle, attachmentOf("third")))).not.toEqual(["192.168.1.5"]);
  });
});

test("a block that has nothing to issue keeps nobody from the next", async () => {
  const reserved = [subnet("pods", "10.0.0.0/28", { blockSize: 30, reservedIPs: ["10.0.0.0-10.0.0.7"] })];
  await within(reserved, async ({ add, store }) => {
    expect(addressesOf(await add(factsOf("plain")))).toEqual(["10.0.0.8"]);
    expect((await store.list(ipBlockKind)).length).toBe(3);
  });
});

test("pods that wait for one block together have more claimed when it does not do for all of them", async () => {
  await within([subnet("pods", "10.0.0.0/28", { blockSize: 30 })], async ({ add }) => {
    const all = Array.from({ length: 14 }, (_, n) => n + 1);
    const given = (await Promise.all(all.map((n) => add(factsOf(`burst-${n}`))))).flatMap(addressesOf);
    expect(new Set(given)).toEqual(new Set(all.map((n) => `10.0.0.${n}`)));
  });
});

test("what others have of a block stays theirs when it is claimed, and what is being claimed is not held", async () => {
  await within(SIX, async ({ add, put, stock }) => {
    await put(kept("10.0.0.1", "pods", "elsewhere-0"));
    await put(kept("10.0.0.2", "pods", "web-0"));
    const [taken, plain] = await Promise.all([add(web()), add(factsOf("plain"))]);
    expect(addressesOf(taken)).toEqual(["10.0.0.2"]);
    expect(addressesOf(plain)).toEqual(["10.0.0.3"]);
    expect([...stock.book.held]).toEqual(["10.0.0.1"]);
    expect(stock.book.of(attachmentOf("web-0"))).toHaveLength(1);
  });
});

test("nodes' own addresses are given to nobody, whoever answers for them, nor to whom they were kept for", async () => {
  const hall = subnet("hall", "192.168.1.0/29", { network: "lan" });
  await within([hall], async ({ add, put }) => {
    const onLan = { [ANNOTATIONS.networkType]: "Underlay" };
    const given = await Promise.all(["one", "two", "three", "four"].map((name) => add(factsOf(name, onLan))));
    expect(given.flatMap(addressesOf).toSorted()).toEqual([3, 4, 5, 6].map((n) => `192.168.1.${n}`));
    await expect(add(factsOf("five", onLan))).rejects.toMatchObject({ code: "addresses-exhausted" });
    await put(kept("192.168.1.2", "hall", "web-0", { network: "lan" }));
    await expect(add(web(onLan))).rejects.toMatchObject({
      code: "excluded",
      message: expect.stringContaining('192.168.1.2 is the own address of node "b"'),
    });
  });
});

test("an address that somebody on the LAN has is passed over, and given back", async () => {
  const hall = subnet("hall", "192.168.1.0/29", { network: "lan" });
  await within([hall], async ({ add, store, stock, lan }) => {
    const onLan = { [ANNOTATIONS.networkType]: "Underlay" };
    const [first = ""] = addressesOf(await add(factsOf("one", onLan)));
    for (let n = 1; n <= 6; n += 1) if (!first.endsWith(`.${n}`)) lan.set(`192.168.1.${n}`, "02:00:00:00:00:09");
    await expect(add(factsOf("two", onLan))).rejects.toMatchObject({ code: "addresses-exhausted" });
    expect((await store.list(ipInstanceKind)).map(({ spec }) => spec.address)).toEqual([first]);
    expect(stock.claiming.size).toBe(0);
  });
});

test("what is asked for by name and is on the LAN already is refused with the MAC that has it", async () => {
  const hall = subnet("hall", "192.168.1.0/29", { network: "lan" });
  await within([hall], async ({ add, store, lan }) => {
    lan.set("192.168.1.4", "02:00:00:00:00:09");
    const named = add(factsOf("named", { [ANNOTATIONS.ip]: "192.168.1.4" }));
    await expect(named).rejects.toMatchObject({
      code: "address-on-lan",
      message: expect.stringMatching(/02:00:00:00:00:09/),
    });
    expect(await store.list(ipInstanceKind)).toEqual([]);
  });
});

test.each([
  ["of any address", {}],
  ["of one by name", { [ANNOTATIONS.ip]: "192.168.1.4" }],
])(
  "where the gateway is to be asked, a claim %s is refused while it is silent, and leaves nothing",
  async (_, wish) => {
    const hall = subnet("hall", "192.168.1.0/29", { network: "lan", gateway: "192.168.1.1", checkGateway: true });
    const pod = factsOf("till", { [ANNOTATIONS.networkType]: "Underlay", ...wish });
    await within([hall], async ({ add, store, stock, gateways }) => {
      gateways.add("192.168.1.2");
      await expect(add(pod)).rejects.toMatchObject({
        code: "gateway-silent",
        retry: true,
        message: expect.stringContaining('gateway 192.168.1.1 of Subnet "hall" does not answer on the LAN'),
      });
      expect(await store.list(ipInstanceKind)).toEqual([]);
      expect([stock.claiming.size, stock.book.bindings.size]).toEqual([0, 0]);
      gateways.add("192.168.1.1");
      const given = addressesOf(await add(pod));
      expect((await store.list(ipInstanceKind)).map(({ spec }) => spec.address)).toEqual(given);
    });
  },
);

test("where the gateway is not to be asked, one that is silent keeps nobody from an address", async () => {
  const hall = subnet("hall", "192.168.1.0/29", { network: "lan", gateway: "192.168.1.1" });
  await within([hall], async ({ add }) => {
    expect(addressesOf(await add(factsOf("till", { [ANNOTATIONS.networkType]: "Underlay" })))).toHaveLength(1);
  });
});

test("an address of the LAN that a pod here has, though the store forgot it, is nobody else's", async () => {
  const hall = subnet("hall", "192.168.2.0/29", { network: "lan" });
  await within([hall], async ({ add, store, stock }) => {
    const onLan = { [ANNOTATIONS.networkType]: "Underlay" };
    const [address = ""] = addressesOf(await add(factsOf("first", onLan)));
    for (const name of ["two", "three", "four", "five", "six"]) await add(factsOf(name, onLan));
    // Of a store that was restored the watch says so, and what looks free is free again.
    await store.delete(ipInstanceKind, objectNameOfAddress(address));
    stock.underlays.release("hall", address);
    const named = add(factsOf("named", { [ANNOTATIONS.ip]: address }));
    await expect(named).rejects.toMatchObject({ code: "address-in-use", message: expect.stringMatching("shop/first") });
    await expect(add(factsOf("any", onLan))).rejects.toMatchObject({ code: "addresses-exhausted" });
    expect(stock.book.bindings.get(address)?.pod.name).toBe("first");
  });
});
