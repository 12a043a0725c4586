import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { networkKind } from "../../../crds/network.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import type { IPInstance } from "../../../mesh/ipam/resources.ts";
import { instance, network, subnet } from "../../../mesh/ipam/testing/objects.ts";
import { API_VERSION } from "../../../mesh/resources.ts";
import type { MeshNode } from "../../../mesh/resources.ts";
import { metadata } from "../../../mesh/testing/objects.ts";
import type { MemberStore } from "../../testing/store.ts";
import { startMemberStore } from "../../testing/store.ts";
import { subnetCounter } from "./counts.ts";
import type { AddressLevel } from "./level.ts";
import { addressStatuses, countAddresses } from "./status.ts";
import { readAddressLevel } from "./testing/level.ts";

const node = (name: string, ...addresses: readonly string[]): MeshNode => ({
  apiVersion: API_VERSION,
  kind: "Node",
  metadata: metadata(name),
  spec: { addresses },
  status: { meshAddresses: [] },
});
const NOW = "2026-01-01T00:00:00Z";
let member: MemberStore;
beforeAll(async () => {
  member = await startMemberStore();
}, 60_000);
afterAll(() => member?.remove(), 60_000);

test("statuses follow the addresses, by however many controllers, and are written when they change", async () => {
  const { store } = member;
  const count = subnetCounter();
  const pass = async () => countAddresses(store, await readAddressLevel(store), count, NOW);
  await store.create(networkKind, network("overlay"));
  const { spec } = subnet("pods", "10.64.0.0/16", { gateway: "10.64.0.1" });
  await store.create(subnetKind, { metadata: { name: "pods" }, spec });
  for (const address of ["10.64.0.2", "10.64.0.3"]) await store.create(ipInstanceKind, instance(address, "pods"));
  await Promise.all([pass(), pass()]);
  const read = async () => [await store.get(subnetKind, "pods"), await store.get(networkKind, "overlay")] as const;
  const [pods, overlay] = await read();
  const counts = { total: 65_533, used: 2, available: 65_531 };
  const conditions = [{ type: "Valid", status: "True", lastTransitionTime: NOW }];
  expect(pods?.status).toMatchObject({ ...counts, conditions });
  expect(overlay?.status).toMatchObject({ ipv4: counts, lastAllocatedSubnet: "pods", conditions });

  await pass();
  await countAddresses(store, await readAddressLevel(store), subnetCounter(), "2026-01-02T00:00:00Z");
  expect(await read()).toEqual([pods, overlay]);

  const stale = await readAddressLevel(store);
  for (const { metadata } of stale.instances) await store.delete(ipInstanceKind, metadata.name);
  await pass();
  const [emptied, idle] = await read();
  expect(emptied?.status).toMatchObject({ used: 0, available: 65_533 });
  expect(idle?.status).toMatchObject({ ipv4: { used: 0 }, lastAllocatedSubnet: "pods" });
  await store.delete(subnetKind, "pods");
  await countAddresses(store, stale, subnetCounter(), NOW);
  expect(await store.get(subnetKind, "pods")).toBeUndefined();
}, 60_000);

test("what an underlay never issues because it is a node's own is not counted", () => {
  const [b, c] = ["b", "c"].map((name, n) => node(name, `192.168.1.${n + 2}/24`, `fd00::${n + 2}/64`)) as [
    MeshNode,
    MeshNode,
  ];
  const level: AddressLevel = {
    membership: undefined,
    networks: [network("lan", { type: "Underlay" })],
    subnets: [subnet("hall", "192.168.1.0/29", { network: "lan", gateway: "192.168.1.1" })],
    instances: [instance("192.168.1.4", "hall", { network: "lan" })],
    blocks: [],
    nodes: [b, c],
  };
  const count = subnetCounter();
  const counted = (nodes: readonly MeshNode[]) => addressStatuses({ ...level, nodes }, count, NOW).subnets.get("hall");
  expect(counted([b, c])).toMatchObject({ total: 3, used: 1, available: 2 });
  expect(counted([b])).toMatchObject({ total: 4, used: 1, available: 3 });
});

test("with 10,000 addresses in use, what did not change is not counted again", () => {
  const subnets = Array.from({ length: 10 }, (_, n) => subnet(`s${n}`, `10.${n}.0.0/16`));
  const instances = subnets.flatMap(({ metadata: { name } }, n) =>
    Array.from({ length: 1_000 }, (_, at): IPInstance => instance(`10.${n}.${(at >> 8) + 1}.${at % 256}`, name)),
  );
  const level: AddressLevel = {
    membership: undefined,
    networks: [network("overlay")],
    subnets,
    instances,
    blocks: [],
    nodes: [],
  };
  const count = subnetCounter();
  const took = () => {
    const begun = performance.now();
    const { networks } = addressStatuses(level, count, NOW);
    expect(networks.get("overlay")?.ipv4?.used).toBe(10_000);
    return performance.now() - begun;
  };
  const first = took();
  const again = Math.min(...Array.from({ length: 10 }, took));
  expect(again).toBeLessThan(first / 3);
});
