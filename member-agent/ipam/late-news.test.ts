import { afterEach, expect, test } from "@jest/globals";
import { setImmediate as turn } from "node:timers/promises";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import { subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { MeshError } from "../../platform/errors.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { AddressCluster, factsOf } from "../testing/address-node.ts";

const PODS = { pods: subnetSpec("10.0.0.0/26", { blockSize: 29 }) };
const HALL = { hall: subnetSpec("192.168.1.0/26", { network: "lan" }) };
const ON_LAN = { [ANNOTATIONS.network]: "lan" };

let cluster: AddressCluster | undefined;
afterEach(async () => {
  await cluster?.remove();
  cluster = undefined;
});
const open = async (...of: Parameters<typeof AddressCluster.open>): Promise<AddressCluster> =>
  (cluster = await AddressCluster.open(...of));

/** Pod 0 of set "web", the n-th time that it runs. */
const web = (n: number, annotations: Readonly<Record<string, string>> = {}): PodFacts => ({
  ...factsOf("web-0", annotations, "web"),
  pod: { namespace: "shop", name: "web-0", uid: `uid-${n}` },
});
const addressesIn = async ({ store }: AddressCluster): Promise<string[]> =>
  (await store.list(ipInstanceKind)).map(({ spec }) => spec.address);

test("who asks by name for what is kept for a pod does not make it have another", async () => {
  const opened = await open(HALL);
  let isThere = Promise.resolve();
  const a = await opened.node("a", { pause: () => isThere });
  const [address = ""] = await a.add(web(1, ON_LAN), "s1");
  await a.del("s1");
  await eventually(
    async () => (await opened.store.get(ipInstanceKind, objectNameOfAddress(address)))?.spec.node === undefined,
  );
  const { promise, resolve } = Promise.withResolvers<void>();
  isThere = promise;
  const named = a.add(factsOf("named", { [ANNOTATIONS.ip]: address }), "named");
  await turn();
  const early = a.add(web(2, ON_LAN), "s2");
  await turn();
  resolve();
  expect(await Promise.allSettled([early, named])).toMatchObject([
    { reason: { code: "kept-address-busy", retry: true } },
    { reason: { code: "address-in-use", retry: true } },
  ]);
  expect(await a.add(web(2, ON_LAN), "s2")).toEqual([address]);
});

test("an ADD that is asked again has the address that it was given when the store's answer was lost", async () => {
  const opened = await open(PODS);
  let callsUntilLost = Number.POSITIVE_INFINITY;
  const pause = async (): Promise<void> => {
    callsUntilLost -= 1;
    if (callsUntilLost === 0) throw new MeshError("store-unreachable", "lost", { retry: true });
  };
  const a = await opened.node("a", { pause });
  await a.add(factsOf("plain"), "plain");
  await eventually(async () => (await addressesIn(opened)).length === 1);
  // It looks whether there is one, there and back; then it writes.
  for (callsUntilLost = 1; (await addressesIn(opened)).length === 1;) {
    const calls: number = callsUntilLost;
    await expect(a.add(web(1), "s1")).rejects.toMatchObject({ code: "store-unreachable" });
    callsUntilLost = calls + 1;
  }
  callsUntilLost = Number.POSITIVE_INFINITY;
  const [, written] = await addressesIn(opened);
  expect(await a.add(web(1), "s1")).toEqual([written]);
  expect(await addressesIn(opened)).toHaveLength(2);
});

test.each(["is cut off", "misses messages"])(
  "a pod that comes to a node that %s has its address again, and later the next that is kept for it",
  async (how) => {
    const opened = await open(PODS);
    let isDeaf = false;
    const pause = async (): Promise<void> => {
      if (isDeaf) throw new Error("lost");
    };
    const [a, b] = [await opened.node("a"), await opened.node("b", { pause })];
    const missing = async (act: () => Promise<void>): Promise<void> => {
      if (how === "is cut off") b.client.silence();
      isDeaf = how === "misses messages";
      await act();
      await turn();
      isDeaf = false;
      b.client.resume();
    };
    let address = "";
    await missing(async () => {
      [address = ""] = await a.add(web(1), "s1");
      await a.del("s1");
    });
    expect(await b.add(web(2), "s2")).toEqual([address]);
    await b.del("s2");
    await b.ipam.reconcile();
    const next = "10.0.0.20";
    await missing(async () => {
      const { spec } = (await opened.store.get(ipInstanceKind, objectNameOfAddress(address))) ?? {};
      if (spec === undefined) throw new Error(`${address} is not kept`);
      await opened.store.delete(ipInstanceKind, objectNameOfAddress(address));
      const { attachment: _, node: __, ...kept } = spec;
      await opened.store.create(ipInstanceKind, {
        metadata: { name: objectNameOfAddress(next) },
        spec: { ...kept, address: next },
      });
    });
    expect(await b.add(web(3), "s3")).toEqual([next]);
    await b.ipam.reconcile();
    await eventually(async () => (await addressesIn(opened)).join(" ") === next || addressesIn(opened));
  },
);

test("what is given up at the moment at which it is taken over is claimed anew", async () => {
  const opened = await open(HALL);
  let calls = Number.POSITIVE_INFINITY;
  const address = "192.168.1.20";
  const pause = async (): Promise<void> => {
    // It has looked, there and back, and is about to write.
    if ((calls -= 1) === 0) await opened.store.delete(ipInstanceKind, objectNameOfAddress(address));
  };
  const a = await opened.node("a", { pause });
  const named = (uid: string): PodFacts => ({
    ...factsOf("till", { [ANNOTATIONS.ip]: address }),
    pod: { namespace: "shop", name: "till", uid },
  });
  await a.add(named("earlier"), "s1");
  await turn();
  calls = 3;
  expect(await a.add(named("later"), "s2")).toEqual([address]);
  expect((await opened.store.get(ipInstanceKind, objectNameOfAddress(address)))?.spec.pod.uid).toBe("later");
});
