import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { instance, subnet } from "../../../mesh/ipam/testing/objects.ts";
import { objectNameOfCidr } from "../../../mesh/names.ts";
import type { IPBlockSpec } from "../../../mesh/resources.ts";
import type { MemberStore } from "../../testing/store.ts";
import { startMemberStore } from "../../testing/store.ts";
import { strayBlocks, sweepBlocks } from "./stray-blocks.ts";
import { readAddressLevel } from "./testing/level.ts";
import { emptyStore } from "./testing/store.ts";

let member: MemberStore;
beforeAll(async () => {
  member = await startMemberStore();
}, 60_000);
afterEach(() => emptyStore(member.store));
afterAll(() => member?.remove(), 60_000);

const claim = (cidr: string, purpose: IPBlockSpec["purpose"] = "Pods") =>
  member.store.create(ipBlockKind, { metadata: { name: objectNameOfCidr(cidr) }, spec: { cidr, node: "a", purpose } });
const SUBNETS = [subnet("bad", "nonsense"), subnet("v4", "10.64.0.0/16"), subnet("v6", "fd64::/112")];
const strays = async () => strayBlocks({ ...(await readAddressLevel(member.store)), subnets: SUBNETS });

test("blocks of one are stray without an address, and no others are", async () => {
  const cidrs = ["10.64.1.0/24", "10.64.0.1/32", "10.64.0.2/32", "10.9.0.1/32", "fd64::1/128", "fd64::2/128"];
  for (const cidr of cidrs) await claim(cidr);
  await claim("10.64.0.3/32", "Mesh");
  for (const address of ["10.64.0.1", "fd64::1"]) {
    await member.store.create(ipInstanceKind, instance(address, "v4"));
  }
  expect((await strays()).map(({ spec }) => spec.cidr)).toEqual(["10.64.0.2/32", "fd64::2/128"]);
}, 60_000);

test("a stray block is taken away, unless its address was claimed or the block moved meanwhile", async () => {
  for (const address of ["10.64.0.1", "10.64.0.2", "10.64.0.3"]) await claim(`${address}/32`);
  const found = await strays();
  await member.store.create(ipInstanceKind, instance("10.64.0.2", "v4"));
  await member.store.delete(ipBlockKind, "10-64-0-3-32");
  await claim("10.64.0.3/32");
  await Promise.all([sweepBlocks(member.store, found), sweepBlocks(member.store, found)]);
  expect((await member.store.list(ipBlockKind)).map(({ spec }) => spec.cidr)).toEqual(["10.64.0.2/32", "10.64.0.3/32"]);
}, 60_000);
