import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { nodeKind } from "../../crds/node.ts";
import { overlaps, parseCidr } from "../../mesh/cidr.ts";
import type { IPBlockSpec } from "../../mesh/resources.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { startMemberStore } from "../testing/store.ts";
import type { MemberStore } from "../testing/store.ts";
import { claimMeshAddresses, registerNode, releaseNode, reportNode } from "./claims.ts";

let member: MemberStore;
let store: ResourceStore;

beforeAll(async () => {
  member = await startMemberStore();
  store = member.store;
});

afterAll(() => member.remove());

beforeEach(async () => {
  for (const { metadata } of await store.list(ipBlockKind)) await store.delete(ipBlockKind, metadata.name);
  for (const { metadata } of await store.list(nodeKind)) await store.delete(nodeKind, metadata.name);
});

const PREFIXES = ["100.64.0.0/22", "fd00:1::/64"];
const at = (address: string) => ({ addresses: [address], labels: { site: "berlin" } });
const blocks = async (): Promise<IPBlockSpec[]> => (await store.list(ipBlockKind)).map(({ spec }) => spec);

test("nodes that claim at once get an address of each mesh prefix, all distinct", async () => {
  const names = Array.from({ length: 6 }, (_, at) => `n${at}`);
  await Promise.all(names.map((name) => claimMeshAddresses(store, name, PREFIXES)));
  const claimed = await blocks();
  for (const name of names) expect(claimed.filter(({ node }) => node === name)).toHaveLength(2);
  const cidrs = claimed.map(({ cidr }) => parseCidr(cidr));
  expect(cidrs.some((one, at) => cidrs.slice(at + 1).some((other) => overlaps(one, other)))).toBe(false);
});

test("a node that claims again keeps what it has", async () => {
  await claimMeshAddresses(store, "a", PREFIXES);
  const before = await store.list(ipBlockKind);
  await claimMeshAddresses(store, "a", PREFIXES);
  expect(await store.list(ipBlockKind)).toEqual(before);
});

test("a node that finds every address taken says of which prefix, and gets one when a node leaves", async () => {
  const small = ["100.64.0.0/26"];
  let full: unknown;
  let last = "";
  for (const name of Array.from({ length: 64 }, (_, at) => `n${at}`)) {
    last = name;
    full = await claimMeshAddresses(store, name, small).catch((error: unknown) => error);
    if (full !== undefined) break;
  }
  expect(full).toMatchObject({
    code: "mesh-prefix-full",
    retry: true,
    message: expect.stringContaining("100.64.0.0/26"),
  });
  const freed = (await blocks()).find(({ node }) => node === "n0")?.cidr;
  await registerNode(store, "n0", at("192.168.1.10/24"));
  expect(await releaseNode(store, "n0")).toBe(true);
  await claimMeshAddresses(store, last, small);
  expect((await blocks()).find(({ node }) => node === last)?.cidr).toBe(freed);
});

test("a node gives back all it claimed, its Node last, and a second time there is nothing to give", async () => {
  await registerNode(store, "a", at("192.168.1.10/24"));
  await claimMeshAddresses(store, "a", PREFIXES);
  await claimMeshAddresses(store, "b", PREFIXES);
  expect(await releaseNode(store, "a")).toBe(true);
  expect(new Set((await blocks()).map(({ node }) => node))).toEqual(new Set(["b"]));
  expect(await store.get(nodeKind, "a")).toBeUndefined();
  expect(await releaseNode(store, "a")).toBe(false);
});

test("registering anew tells another address and keeps what is said of the kernel", async () => {
  await registerNode(store, "a", at("192.168.1.10/24"));
  await reportNode(store, "a", { meshAddresses: ["100.64.0.33/32"] });
  await registerNode(store, "a", at("192.168.1.99/24"));
  expect(await store.get(nodeKind, "a")).toMatchObject({
    metadata: { labels: { site: "berlin" } },
    spec: { addresses: ["192.168.1.99/24"] },
    status: { meshAddresses: ["100.64.0.33/32"] },
  });
});
