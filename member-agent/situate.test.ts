import { expect, test } from "@jest/globals";
import { gatewayKind } from "../crds/gateway.ts";
import { ipBlockKind } from "../crds/ip-block.ts";
import { membershipKind } from "../crds/membership.ts";
import { nodeKind } from "../crds/node.ts";
import { remoteClusterKind } from "../crds/remote-cluster.ts";
import type { AnyResource, KindDefinition } from "../crds/kind.ts";
import type { MembershipSpec } from "../mesh/resources.ts";
import type { View } from "../mesh/view-records.ts";
import type { MemberLevel } from "./member/level.ts";
import { situate } from "./situate.ts";
import type { OwnFacts } from "./situate.ts";

function objectOf<T extends AnyResource>(kind: KindDefinition<T>, name: string, spec: unknown, status: unknown): T {
  const creationTimestamp = "2026-01-01T00:00:00.000Z";
  const identity = { uid: "7d0a2d0e-7a77-4b8a-9b5f-0e1b7c1d2e3f", resourceVersion: "1", generation: 1 };
  const metadata = { name, ...identity, creationTimestamp, finalizers: [], labels: {}, annotations: {} };
  return kind.parse({ apiVersion: kind.apiVersion, kind: kind.kind, metadata, spec, status });
}

const STATUS = {
  number: 1,
  podCIDRs: ["10.64.0.0/16"],
  announcedCIDRs: ["192.168.1.16/28"],
  meshPrefixes: ["100.64.0.0/22"],
};
const joined = (phase: MembershipSpec["phase"], cluster = "east", status: unknown = STATUS) =>
  objectOf(membershipKind, "mesh", { mesh: "m", cluster, phase }, status);
const remote = {
  number: 2,
  prefixes: ["10.65.0.0/16"],
  meshPrefixes: [],
  gateways: [],
  tunnel: "WireGuard",
  revision: { epoch: 1, generation: 1 },
};
const level: MemberLevel = {
  membership: joined("Joined"),
  nodes: [objectOf(nodeKind, "a", { addresses: ["192.168.1.10/24"] }, {})],
  blocks: [objectOf(ipBlockKind, "100-64-0-33-32", { cidr: "100.64.0.33/32", node: "a", purpose: "Mesh" }, {})],
  gateways: [objectOf(gatewayKind, "rank-0", { node: "a", rank: 0 }, {})],
  remotes: [objectOf(remoteClusterKind, "west", remote, {})],
  networks: [],
  subnets: [],
};
const facts: OwnFacts = {
  cluster: "east",
  node: "a",
  lan: { device: "eth0", addresses: ["192.168.1.10/24"], mtu: 1500, routerAdvertisements: false },
  openPorts: [],
  known: [],
};
const own = { rank: 0, behindNAT: false, basePort: 51_820, privateKey: "key" };
const view: View = {
  self: { name: "east", number: 1, podCIDRs: ["10.64.0.0/16"], announcedCIDRs: [], meshPrefixes: ["100.64.0.0/22"] },
  entries: [],
};

test.each<[string, MemberLevel, OwnFacts]>([
  ["has not joined a mesh yet", { ...level, membership: undefined }, facts],
  ["has not joined a mesh yet", { ...level, membership: joined("Joining") }, facts],
  ['is that of cluster "west"', { ...level, membership: joined("Joined", "west") }, facts],
  ["has no rank yet", level, { ...facts, gateway: { own: undefined, view } }],
  ["no view was received", level, { ...facts, gateway: { own, view: undefined } }],
  ["answer to the join is not in the store", { ...level, membership: joined("Joined", "east", {}) }, facts],
  ["has not claimed its mesh address", { ...level, blocks: [] }, facts],
])("nothing is planned from half of it: %s", (sentence, half, known) => {
  expect(situate(half, known)).toEqual({ missing: expect.stringContaining(sentence) });
});

test("a plain node believes its store about the linked clusters, a gateway the hub's signed view alone", () => {
  expect(situate(level, facts).situation?.remotes.map(({ name }) => name)).toEqual(["west"]);
  expect(situate(level, { ...facts, gateway: { own, view } }).situation?.remotes).toEqual([]);
});

test("a plain node knows all of its own cluster, what it announces beyond its pods, too", () => {
  const { number, podCIDRs, announcedCIDRs, meshPrefixes } = STATUS;
  const self = { name: "east", number, podCIDRs, announcedCIDRs, meshPrefixes };
  expect(situate(level, facts).situation?.self).toEqual(self);
});
