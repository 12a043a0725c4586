import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { instance, network, subnet } from "../../../mesh/ipam/testing/objects.ts";
import type { Metadata } from "../../../mesh/resources.ts";
import type { MemberStore } from "../../testing/store.ts";
import { startMemberStore } from "../../testing/store.ts";
import { guardAddresses, guardedFinalizers, NETWORK_GUARD, SUBNET_GUARD, unguardAddresses } from "./guard.ts";
import { readAddressLevel } from "./testing/level.ts";

const GUARD = SUBNET_GUARD.finalizer;
const deletionTimestamp = "2026-01-01T00:00:00Z";
test.each<[string, Partial<Metadata>, boolean, readonly string[]]>([
  ["is new", {}, false, [GUARD]],
  ["is somebody else's, too", { finalizers: ["x"] }, false, ["x", GUARD]],
  ["is guarded", { finalizers: [GUARD, "x"] }, true, [GUARD, "x"]],
  ["goes while in use", { finalizers: [GUARD], deletionTimestamp }, true, [GUARD]],
  ["goes with nothing in use", { finalizers: ["x", GUARD], deletionTimestamp }, false, ["x"]],
  ["goes unguarded", { finalizers: ["x"], deletionTimestamp }, true, ["x"]],
])("finalizers of a Subnet that %s", (_, metadata, isInUse, finalizers) => {
  const bare = subnet("a", "10.0.0.0/24");
  expect(guardedFinalizers({ ...bare.metadata, ...metadata }, GUARD, isInUse)).toEqual(finalizers);
});

let member: MemberStore;
beforeAll(async () => {
  member = await startMemberStore();
}, 60_000);
afterAll(() => member?.remove(), 60_000);

test("a Subnet that is deleted past admission stays until its last address is given back", async () => {
  const { store } = member;
  const guard = async () => guardAddresses(store, await readAddressLevel(store));
  await store.create(networkKind, network("overlay"));
  await store.create(subnetKind, { metadata: { name: "pods" }, spec: subnet("pods", "10.64.0.0/24").spec });
  await Promise.all([guard(), guard()]);
  const guarded = await store.get(subnetKind, "pods");
  expect(guarded?.metadata.finalizers).toEqual([GUARD]);
  await guard();
  expect((await store.get(subnetKind, "pods"))?.metadata.resourceVersion).toBe(guarded?.metadata.resourceVersion);

  const unaware = await readAddressLevel(store);
  await store.create(ipInstanceKind, instance("10.64.0.1", "pods", { retained: true, attachment: undefined }));
  await store.delete(subnetKind, "pods");
  await guard();
  const dying = await store.get(subnetKind, "pods");
  expect(dying?.metadata.deletionTimestamp).toBeDefined();
  // News of the address may come after news of the deletion.
  await guardAddresses(store, { ...unaware, subnets: dying ? [dying] : [] });
  expect(await store.get(subnetKind, "pods")).toBeDefined();

  await store.delete(ipInstanceKind, "10-64-0-1");
  await Promise.all([guard(), guard()]);
  expect(await store.get(subnetKind, "pods")).toBeUndefined();
}, 60_000);

test("a Network that is deleted past admission stays until its last Subnet goes, and gets no more", async () => {
  const { store } = member;
  const guard = async () => guardAddresses(store, await readAddressLevel(store));
  await store.create(networkKind, { metadata: { name: "lan" }, spec: { type: "Underlay", nodeSelector: {} } });
  await guard();
  const unaware = await readAddressLevel(store);
  const create = (name: string, cidr: string) =>
    store.create(subnetKind, { metadata: { name }, spec: subnet(name, cidr, { network: "lan" }).spec });
  await create("hall", "192.168.1.0/24");
  await store.delete(networkKind, "lan");
  await guard();
  const dying = await store.get(networkKind, "lan");
  expect(dying?.metadata.deletionTimestamp).toBeDefined();
  // News of the Subnet may come after news of the deletion.
  await guardAddresses(store, { ...unaware, networks: dying ? [dying] : [] });
  expect((await store.get(networkKind, "lan"))?.metadata.finalizers).toEqual([NETWORK_GUARD.finalizer]);
  await expect(create("shed", "192.168.2.0/24")).rejects.toMatchObject({ code: "unknown-network" });

  await store.delete(subnetKind, "hall");
  await guard();
  await guard();
  expect(await store.get(subnetKind, "hall")).toBeUndefined();
  expect(await store.get(networkKind, "lan")).toBeUndefined();
}, 60_000);

test("in a member that has left, Subnets and Networks go when they are deleted", async () => {
  const { store } = member;
  await store.create(subnetKind, { metadata: { name: "pods" }, spec: subnet("pods", "10.64.0.0/24").spec });
  await guardAddresses(store, await readAddressLevel(store));
  await unguardAddresses(store);
  await store.delete(subnetKind, "pods");
  expect(await store.get(subnetKind, "pods")).toBeUndefined();
  await store.delete(networkKind, "overlay");
  expect(await store.get(networkKind, "overlay")).toBeUndefined();
}, 60_000);
