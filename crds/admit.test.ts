import { expect, test } from "@jest/globals";
import type { SubnetSpec } from "../mesh/ipam/resources.ts";
import { network, subnet } from "../mesh/ipam/testing/objects.ts";
import type { LedgerSpec } from "../mesh/resources.ts";
import { cluster, link, metadata, pool } from "../mesh/testing/objects.ts";
import type { ResourceKind, ResourceReader, StoredObject } from "../platform/store/port.ts";
import { cidrPoolKind } from "./cidr-pool.ts";
import { clusterLinkKind } from "./cluster-link.ts";
import { clusterKind } from "./cluster.ts";
import { gatewayKind } from "./gateway.ts";
import { ipBlockKind } from "./ip-block.ts";
import { ledgerKind } from "./ledger.ts";
import { networkKind } from "./network.ts";
import { subnetKind } from "./subnet.ts";

/** A store with these objects, as admission sees it. */
function storeOf(...objects: readonly StoredObject[]): ResourceReader {
  const list = async <T extends StoredObject>(kind: ResourceKind<T>): Promise<readonly T[]> =>
    objects.filter((object) => object.kind === kind.kind).map((object) => kind.parse(object));
  return { list, get: async (kind, name) => (await list(kind)).find((object) => object.metadata.name === name) };
}

function ledger(...rows: LedgerSpec["rows"]) {
  const clusters = [...new Set(rows.map((row) => row.cluster))];
  const spec: LedgerSpec = { rows, numbers: clusters.map((name, n) => ({ cluster: name, number: n + 1 })) };
  return ledgerKind.parse({ apiVersion: "trestle.dev/v1alpha1", kind: "Ledger", metadata: metadata("mesh"), spec });
}

const EAST = { prefix: "10.4.0.0/16", cluster: "east", use: "assigned", pool: "pods" } as const;

test("a pool that overlaps another one, or somebody's range, is not made", async () => {
  const present = storeOf(
    pool("pods", "10.0.0.0/9", 16),
    ledger(EAST, { prefix: "192.168.1.0/24", cluster: "east", use: "local" }),
  );
  expect(await cidrPoolKind.admit(pool("more", "10.128.0.0/9", 16), undefined, present)).toBeUndefined();
  expect(await cidrPoolKind.admit(pool("more", "10.64.0.0/16", 20), undefined, present)).toMatchObject({
    code: "cidr-overlap",
  });
  expect(await cidrPoolKind.admit(pool("more", "192.168.0.0/16", 20), undefined, present)).toMatchObject({
    code: "cidr-overlap",
  });
  expect(await cidrPoolKind.admit(pool("more", "10.64.0.0/16", 20), undefined, storeOf())).toBeUndefined();
});

test("a pool keeps its range, and may change its block length though clusters declared ranges in it", async () => {
  const before = pool("pods", "10.0.0.0/9", 16);
  const present = storeOf(before, ledger({ prefix: "10.5.0.0/16", cluster: "west", use: "declared" }));
  expect(await cidrPoolKind.admit(pool("pods", "10.0.0.0/9", 20), before, present)).toBeUndefined();
  expect(await cidrPoolKind.admit(pool("pods", "10.0.0.0/8", 16), before, present)).toMatchObject({
    code: "immutable",
  });
});

test("faults of the object itself are all told at once", async () => {
  expect(await cidrPoolKind.admit(pool("Pods", "10.0.0.1/9", 16), undefined, storeOf())).toEqual({
    code: "bad-name",
    message:
      'metadata.name: "Pods" is not a name: use at most 63 lower-case letters, digits and inner dashes, e.g. east-1; spec.cidr: 10.0.0.1/9 has host bits set; did you mean 10.0.0.0/9?',
  });
});

test("a cluster may name what it has, and nothing of another", async () => {
  const present = storeOf(ledger(EAST));
  const asks = (name: string, podCIDR: string) => cluster(name, { spec: { podCIDRs: [podCIDR] } });
  expect(await clusterKind.admit(asks("east", "10.4.0.0/16"), undefined, present)).toBeUndefined();
  expect(await clusterKind.admit(asks("west", "10.5.0.0/16"), undefined, present)).toBeUndefined();
  expect(await clusterKind.admit(asks("west", "10.4.7.0/24"), undefined, present)).toMatchObject({
    code: "cidr-overlap",
    message: expect.stringContaining('10.4.0.0/16 of cluster "east"'),
  });
});

test("a second link over one pair is refused, a link to a cluster that has yet to join is not", async () => {
  const present = storeOf(cluster("east"), cluster("west"), link("first", { members: { names: ["east", "west"] } }));
  const other = link("second", { from: { names: ["west"] }, to: { names: ["east", "moon"] } });
  expect(await clusterLinkKind.admit(other, undefined, present)).toMatchObject({ code: "link-conflict" });
  expect(
    await clusterLinkKind.admit(link("third", { members: { names: ["east", "moon"] } }), undefined, present),
  ).toBeUndefined();
  const changed = link("first", { members: { names: ["east", "west"] }, tunnel: "VXLAN" });
  expect(
    await clusterLinkKind.admit(changed, link("first", { members: { names: ["east", "west"] } }), present),
  ).toBeUndefined();
});

test("a ledger with an overlap is never written", async () => {
  expect(await ledgerKind.admit(ledger(EAST), undefined, storeOf())).toBeUndefined();
  expect(await ledgerKind.admit(ledger(EAST, { ...EAST, cluster: "west" }), undefined, storeOf())).toMatchObject({
    code: "cidr-overlap",
  });
});

test("claims of ranks and blocks are not rewritten", async () => {
  const gateway = gatewayKind.parse({
    apiVersion: "trestle.dev/v1alpha1",
    kind: "Gateway",
    metadata: metadata("rank-0"),
    spec: { node: "a", rank: 0 },
  });
  expect(await gatewayKind.admit(gateway, gateway, storeOf())).toBeUndefined();
  expect(await gatewayKind.admit({ ...gateway, spec: { node: "b", rank: 0 } }, gateway, storeOf())).toMatchObject({
    code: "immutable",
  });
  const spec = { cidr: "10.4.1.0/24", node: "a", purpose: "Pods" } as const;
  const block = ipBlockKind.parse({
    apiVersion: "trestle.dev/v1alpha1",
    kind: "IPBlock",
    metadata: metadata("10-4-1-0-24"),
    spec,
  });
  expect(await ipBlockKind.admit(block, undefined, storeOf())).toBeUndefined();
  expect(await ipBlockKind.admit({ ...block, spec: { ...spec, node: "b" } }, block, storeOf())).toMatchObject({
    code: "immutable",
  });
});

test("a Network keeps its type", async () => {
  const refusal = await networkKind.admit(network("lan", { type: "Underlay" }), network("lan"), storeOf());
  expect(refusal).toMatchObject({ code: "immutable", message: expect.stringContaining("spec.type") });
});

test.each<[keyof SubnetSpec, Partial<SubnetSpec>]>([
  ["network", { network: "more" }],
  ["cidr", { cidr: "10.64.0.0/15" }],
  ["range", { range: { start: "10.64.0.1", end: "10.64.0.9" } }],
  ["range", { range: undefined }],
  ["gateway", { gateway: "10.64.0.2" }],
  ["blockSize", { blockSize: 26 }],
])("a Subnet keeps its %s: %p", async (field, change) => {
  const before = subnet("pods", "10.64.0.0/16", {
    range: { start: "10.64.0.1", end: "10.64.0.8" },
    gateway: "10.64.0.1",
  });
  const changed = { ...before, spec: { ...before.spec, ...change } };
  expect(await subnetKind.admit(changed, before, storeOf())).toMatchObject({
    code: "immutable",
    message: expect.stringContaining(`spec.${field} `),
  });
  const other = { ...before, spec: { ...before.spec, private: true } };
  expect(await subnetKind.admit(other, before, storeOf())).toBeUndefined();
});
