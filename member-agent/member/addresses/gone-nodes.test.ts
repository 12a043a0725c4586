import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { nodeKind } from "../../../crds/node.ts";
import type { IPInstanceSpec } from "../../../mesh/ipam/resources.ts";
import { instance } from "../../../mesh/ipam/testing/objects.ts";
import { objectNameOfCidr } from "../../../mesh/names.ts";
import type { IPBlockSpec } from "../../../mesh/resources.ts";
import { claimMeshAddresses } from "../../node/claims.ts";
import type { MemberStore } from "../../testing/store.ts";
import { startMemberStore } from "../../testing/store.ts";
import { clearGoneNodes, missingNodes, withoutNode } from "./gone-nodes.ts";
import { readAddressLevel } from "./testing/level.ts";
import { emptyStore } from "./testing/store.ts";

let member: MemberStore;
beforeAll(async () => {
  member = await startMemberStore();
}, 60_000);
afterEach(() => emptyStore(member.store));
afterAll(() => member?.remove(), 60_000);

const addNode = (name: string) => member.store.create(nodeKind, { metadata: { name }, spec: { addresses: [] } });
const claim = (cidr: string, node: string, purpose: IPBlockSpec["purpose"] = "Pods") =>
  member.store.create(ipBlockKind, { metadata: { name: objectNameOfCidr(cidr) }, spec: { cidr, node, purpose } });
const bind = (address: string, spec: Partial<IPInstanceSpec>) =>
  member.store.create(ipInstanceKind, instance(address, "pods", spec));
const level = () => readAddressLevel(member.store);
const left = async () => {
  const { instances, blocks } = await level();
  return [instances.map(({ spec }) => spec.address), blocks.map(({ spec }) => `${spec.cidr} ${spec.node}`)];
};

test("nodes that have something and no Node object are missing", async () => {
  await addNode("a");
  await claim("10.64.0.0/24", "a");
  await claim("10.64.1.0/24", "c");
  await bind("10.64.0.1", { node: "a" });
  await bind("10.64.2.1", { node: "b" });
  await bind("10.64.3.1", { node: undefined, attachment: undefined, retained: true });
  expect(missingNodes(await level())).toEqual(["b", "c"]);
  expect(await withoutNode(member.store, ["a", "b"])).toEqual(["b"]);
}, 60_000);

test("of a node that is gone addresses and blocks are free again, and retained addresses wait for their pods", async () => {
  await addNode("a");
  for (const [cidr, node] of [
    ["10.64.0.0/24", "a"],
    ["10.64.1.0/24", "b"],
    ["10.64.9.9/32", "b"],
  ] as const)
    await claim(cidr, node);
  await claim("100.64.0.34/32", "b", "Mesh");
  const owner = { kind: "StatefulSet", name: "web", uid: "u" };
  await bind("10.64.0.1", { node: "a" });
  await bind("10.64.1.1", { node: "b" });
  await bind("10.64.9.9", { node: "b", retained: true, owner });
  const before = await level();
  await Promise.all([clearGoneNodes(member.store, ["b"], before), clearGoneNodes(member.store, ["b"], before)]);
  expect(await left()).toEqual([["10.64.0.1", "10.64.9.9"], ["10.64.0.0/24 a"]]);
  const kept = await member.store.get(ipInstanceKind, "10-64-9-9");
  expect(kept).toMatchObject({ spec: { retained: true, owner }, status: { phase: "Retained" } });
  expect(kept?.spec).not.toHaveProperty("node");
  expect(kept?.spec).not.toHaveProperty("attachment");
  expect(missingNodes(await level())).toEqual([]);
}, 60_000);

test("a node that is back loses nothing", async () => {
  await claim("10.64.1.0/24", "b");
  await bind("10.64.1.1", { node: "b" });
  const before = await level();
  await addNode("b");
  await clearGoneNodes(member.store, ["b"], before);
  expect(await left()).toEqual([["10.64.1.1"], ["10.64.1.0/24 b"]]);
}, 60_000);

test("what somebody claimed after the look is theirs, under the same names too", async () => {
  await claim("10.64.1.0/24", "b");
  const bound = await bind("10.64.1.1", { node: "b" });
  await bind("10.64.9.9", { node: "b", retained: true });
  const before = await level();
  await member.store.delete(ipBlockKind, "10-64-1-0-24");
  await claim("10.64.1.0/24", "c");
  await member.store.delete(ipInstanceKind, bound.metadata.name);
  await bind("10.64.1.1", { node: "c" });
  const retained = await member.store.get(ipInstanceKind, "10-64-9-9");
  if (retained === undefined) throw new Error("it is kept");
  await member.store.update(ipInstanceKind, { ...retained, spec: { ...retained.spec, node: "c" } });
  await clearGoneNodes(member.store, ["b"], before);
  const { instances } = await level();
  expect(instances.map(({ spec }) => [spec.address, spec.node])).toEqual([
    ["10.64.1.1", "c"],
    ["10.64.9.9", "c"],
  ]);
  expect((await left())[1]).toEqual(["10.64.1.0/24 c"]);
}, 60_000);

test("a node that comes back claims a mesh address that nobody else has by then", async () => {
  const prefixes = ["100.64.0.0/24"];
  await claimMeshAddresses(member.store, "b", prefixes);
  await clearGoneNodes(member.store, ["b"], await level());
  await addNode("c");
  await claimMeshAddresses(member.store, "c", prefixes);
  await addNode("b");
  await claimMeshAddresses(member.store, "b", prefixes);
  expect((await left())[1]).toEqual(["100.64.0.33/32 c", "100.64.0.34/32 b"]);
}, 60_000);
