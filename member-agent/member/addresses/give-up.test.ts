import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { instance, network, subnet } from "../../../mesh/ipam/testing/objects.ts";
import type { MemberStore } from "../../testing/store.ts";
import { startMemberStore } from "../../testing/store.ts";
import { giveUpAddresses } from "./give-up.ts";
import { guardAddresses } from "./guard.ts";
import { readAddressLevel } from "./testing/level.ts";

let member: MemberStore;
beforeAll(async () => {
  member = await startMemberStore();
}, 60_000);
afterAll(() => member?.remove(), 60_000);

test("a member that left has its underlays, and no address, no overlay and no guard", async () => {
  const { store } = member;
  await store.create(networkKind, network("overlay"));
  await store.create(networkKind, network("lan", { type: "Underlay" }));
  const subnets = [subnet("pods", "10.64.0.0/24"), subnet("hall", "192.168.1.0/24", { network: "lan" })];
  for (const { metadata, spec } of subnets) {
    await store.create(subnetKind, { metadata: { name: metadata.name }, spec });
  }
  await store.create(ipInstanceKind, instance("192.168.1.7", "hall", { network: "lan", retained: true }));
  await guardAddresses(store, await readAddressLevel(store));
  await giveUpAddresses(store);
  await giveUpAddresses(store);
  const { networks, subnets: left, instances } = await readAddressLevel(store);
  expect(networks.map(({ metadata }) => [metadata.name, metadata.finalizers])).toEqual([["lan", []]]);
  expect(left.map(({ metadata }) => [metadata.name, metadata.finalizers])).toEqual([["hall", []]]);
  expect(instances).toEqual([]);
}, 60_000);
