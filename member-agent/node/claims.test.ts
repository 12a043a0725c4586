import { afterAll, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { nodeKind } from "../../crds/node.ts";
import { overlaps, parseCidr } from "../../mesh/cidr.ts";
import type { IPBlockSpec, MembershipStatus } from "../../mesh/resources.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { startMemberStore } from "../testing/store.ts";
import type { MemberStore } from "../testing/store.ts";
import { claimBlocks, registerNode, releaseNode, reportNode } from "./claims.ts";

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

const mesh = (podCIDR: string): MembershipStatus => ({
  number: 1,
  podCIDRs: [podCIDR],
  announcedCIDRs: [],
  meshPrefixes: ["100.64.0.0/22", "fd00:1::/64"],
});
const at = (address: string) => ({ addresses: [address], labels: { site: "berlin" } });
const blocks = async (): Promise<IPBlockSpec[]> => (await store.list(ipBlockKind)).map(({ spec }) => spec);

test("nodes that claim at once get a block of pods and an address of each mesh prefix, all disjoint", async () => {
  const names = Array.from({ length: 6 }, (_, at) => `n${at}`);
  await Promise.all(names.map((name) => claimBlocks(store, name, mesh("10.64.0.0/16"))));
  const claimed = await blocks();
  for (const name of names) {
    const own = claimed.filter(({ node }) => node === name);
    expect(own.map(({ purpose }) => purpose).toSorted()).toEqual(["Mesh", "Mesh", "Pods"]);
  }
  const cidrs = claimed.map(({ cidr }) => parseCidr(cidr));
  expect(cidrs.some((one, at) => cidrs.slice(at + 1).some((other) => overlaps(one, other)))).toBe(false);
});

test("a node that claims again keeps what it has", async () => {
  await claimBlocks(store, "a", mesh("10.64.0.0/16"));
  const before = await store.list(ipBlockKind);
  await claimBlocks(store, "a", mesh("10.64.0.0/16"));
  expect(await store.list(ipBlockKind)).toEqual(before);
});

test("a node that finds every block taken says whose range it is, and gets one when a node leaves", async () => {
  const small = mesh("10.64.0.0/26");
  const claims = Array.from({ length: 64 }, (_, at) => `n${at}`);
  let full: unknown;
  let last = "";
  for (const name of claims) {
    last = name;
    full = await claimBlocks(store, name, small).catch((error: unknown) => error);
    if (full !== undefined) break;
  }
  expect(full).toMatchObject({
    code: "blocks-exhausted",
    retry: true,
    message: expect.stringContaining("10.64.0.0/26"),
  });
  const freed = (await blocks()).find(({ node, purpose }) => node === "n0" && purpose === "Pods")?.cidr;
  await registerNode(store, "n0", at("192.168.1.10/24"));
  expect(await releaseNode(store, "n0")).toBe(true);
  await claimBlocks(store, last, small);
  expect((await blocks()).find(({ node, purpose }) => node === last && purpose === "Pods")?.cidr).toBe(freed);
});

test("a node gives back all it claimed, its Node last, and a second time there is nothing to give", async () => {
  await registerNode(store, "a", at("192.168.1.10/24"));
  await claimBlocks(store, "a", mesh("10.64.0.0/16"));
  await claimBlocks(store, "b", mesh("10.64.0.0/16"));
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
