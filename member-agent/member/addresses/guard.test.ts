import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { instance, network, subnet } from "../../../mesh/ipam/testing/objects.ts";
import type { Metadata } from "../../../mesh/resources.ts";
import type { MemberStore } from "../../testing/store.ts";
import { startMemberStore } from "../../testing/store.ts";
import { ADDRESSES_IN_USE, guardedFinalizers, guardSubnets, unguardSubnets } from "./guard.ts";
import { readAddressLevel } from "./testing/level.ts";

const deletionTimestamp = "2026-01-01T00:00:00Z";
test.each<[string, Partial<Metadata>, boolean, readonly string[]]>([
  ["is new", {}, false, [ADDRESSES_IN_USE]],
  ["is somebody else's, too", { finalizers: ["x"] }, false, ["x", ADDRESSES_IN_USE]],
  ["is guarded", { finalizers: [ADDRESSES_IN_USE, "x"] }, true, [ADDRESSES_IN_USE, "x"]],
  ["goes while in use", { finalizers: [ADDRESSES_IN_USE], deletionTimestamp }, true, [ADDRESSES_IN_USE]],
  ["goes with nothing in use", { finalizers: ["x", ADDRESSES_IN_USE], deletionTimestamp }, false, ["x"]],
  ["goes unguarded", { finalizers: ["x"], deletionTimestamp }, true, ["x"]],
])("finalizers of a Subnet that %s", (_, metadata, isInUse, finalizers) => {
  const bare = subnet("a", "10.0.0.0/24");
  expect(guardedFinalizers({ ...bare, metadata: { ...bare.metadata, ...metadata } }, isInUse)).toEqual(finalizers);
});

let member: MemberStore;
beforeAll(async () => {
  member = await startMemberStore();
}, 60_000);
afterAll(() => member?.remove(), 60_000);

test("a Subnet that is deleted past admission stays until its last address is given back", async () => {
  const { store } = member;
  const guard = async () => guardSubnets(store, await readAddressLevel(store));
  await store.create(networkKind, network("overlay"));
  await store.create(subnetKind, { metadata: { name: "pods" }, spec: subnet("pods", "10.64.0.0/24").spec });
  await Promise.all([guard(), guard()]);
  const guarded = await store.get(subnetKind, "pods");
  expect(guarded?.metadata.finalizers).toEqual([ADDRESSES_IN_USE]);
  await guard();
  expect((await store.get(subnetKind, "pods"))?.metadata.resourceVersion).toBe(guarded?.metadata.resourceVersion);

  const unaware = await readAddressLevel(store);
  await store.create(ipInstanceKind, instance("10.64.0.1", "pods", { retained: true, attachment: undefined }));
  await store.delete(subnetKind, "pods");
  await guard();
  const dying = await store.get(subnetKind, "pods");
  expect(dying?.metadata.deletionTimestamp).toBeDefined();
  // News of the address may come after news of the deletion.
  await guardSubnets(store, { subnets: dying ? [dying] : [], instances: unaware.instances });
  expect(await store.get(subnetKind, "pods")).toBeDefined();

  await store.delete(ipInstanceKind, "10-64-0-1");
  await Promise.all([guard(), guard()]);
  expect(await store.get(subnetKind, "pods")).toBeUndefined();
}, 60_000);

test("in a member that has left, Subnets go when they are deleted", async () => {
  const { store } = member;
  await store.create(subnetKind, { metadata: { name: "pods" }, spec: subnet("pods", "10.64.0.0/24").spec });
  await guardSubnets(store, await readAddressLevel(store));
  await unguardSubnets(store);
  await store.delete(subnetKind, "pods");
  expect(await store.get(subnetKind, "pods")).toBeUndefined();
}, 60_000);
