import { expect, test } from "@jest/globals";
import { membershipKind } from "../../../crds/membership.ts";
import { networkFaults, subnetFaults } from "../../../mesh/ipam/in-force.ts";
import type { IPInstance, Network, Subnet } from "../../../mesh/ipam/resources.ts";
import { instance, network, subnet } from "../../../mesh/ipam/testing/objects.ts";
import { metadata } from "../../../mesh/testing/objects.ts";
import { conditionsOf, judgeNetwork, judgeSubnet } from "./judge.ts";

const membership = (announcedCIDRs: readonly string[]) =>
  membershipKind.parse({
    apiVersion: "trestle.dev/v1alpha1",
    kind: "Membership",
    metadata: metadata("mesh"),
    spec: { mesh: "m", cluster: "east", phase: "Joined" },
    status: { podCIDRs: ["10.64.0.0/16"], announcedCIDRs },
  });
const later = <T extends Network | Subnet>(object: T): T => ({
  ...object,
  metadata: { ...object.metadata, creationTimestamp: "2026-02-01T00:00:00Z" },
});
const lan = network("lan", { type: "Underlay" });
const faultsOf = (networks: readonly Network[], subnets: readonly Subnet[]) => ({
  networks: networkFaults(networks),
  subnets: subnetFaults(subnets),
});
const verdictsOf = (
  of: Subnet,
  subnets: readonly Subnet[],
  own: readonly IPInstance[] = [],
  announced: string[] = [],
  networks: readonly Network[] = [network("overlay"), lan],
) => judgeSubnet(of, own, { networks, membership: membership(announced), faults: faultsOf(networks, subnets) });

test("of two that collide the younger breaks the rules", () => {
  const [elder, younger] = [subnet("a", "10.64.0.0/24"), later(subnet("b", "10.64.0.0/25"))];
  expect(verdictsOf(elder, [elder, younger])).toMatchObject([{ type: "Valid", status: "True" }]);
  expect(verdictsOf(younger, [elder, younger])).toMatchObject([
    { status: "False", reason: "CidrOverlap", message: expect.stringContaining('of Subnet "a"') },
  ]);
});

test("a second overlay breaks the rules, and its Subnets say so, too", () => {
  const networks = [later(network("second")), network("overlay")];
  const pods = subnet("a", "10.64.0.0/24", { network: "second" });
  const faults = faultsOf(networks, [pods]);
  expect(networks.map((each) => judgeNetwork(each, faults))).toMatchObject([
    { status: "False", reason: "OverlayExists" },
    { status: "True" },
  ]);
  expect(verdictsOf(pods, [pods], [], [], networks)).toMatchObject([
    { status: "False", reason: "OverlayExists", message: expect.stringContaining('is of Network "second"') },
  ]);
});

test.each<[string, Subnet, string]>([
  ["can't be read", subnet("a", "10.64.0.1/24"), "HostBitsSet"],
  ["can't be read, of an underlay", subnet("a", "192.168.1.1/24", { network: "lan" }), "HostBitsSet"],
  ["is outside the pod CIDRs", subnet("a", "10.9.0.0/24"), "OutsidePodCidrs"],
  ["is of no Network", subnet("a", "10.64.0.0/24", { network: "none" }), "UnknownNetwork"],
  ["excludes what is in use", subnet("a", "10.64.0.0/24", { excludeIPs: ["10.64.0.7"] }), "InUse"],
])("a Subnet that %s says so", (_, given, reason) => {
  const unread = subnet("z", "nonsense");
  expect(verdictsOf(given, [unread, given], [instance("10.64.0.7", "a")])).toMatchObject([
    { type: "Valid", status: "False", reason },
  ]);
});

test.each<[readonly string[], string]>([
  [[], "False"],
  [["192.168.1.16/28"], "True"],
  [["192.168.1.0/28"], "False"],
  [["192.168.1.24/29", "192.168.1.16/29"], "True"],
  [["192.168.1.16/29", "192.168.1.26/31"], "False"],
  [["192.168.1.0/24", "192.168.1.0/29"], "True"],
])("an underlay's range 192.168.1.18 to .27, where %j is announced: %s", (announced, status) => {
  const range = { start: "192.168.1.18", end: "192.168.1.27" };
  const hall = subnet("hall", "192.168.1.0/24", { network: "lan", range });
  const [valid, condition] = verdictsOf(hall, [hall], [], [...announced]);
  expect(valid).toMatchObject({ type: "Valid", status: "True" });
  expect(condition).toMatchObject({ type: "Announced", status });
  expect(condition?.message.includes('allowedCIDRs of Cluster "east"')).toBe(status === "False");
});

test("a condition keeps its time for as long as its status does", () => {
  const verdict = { type: "Valid", status: "True", reason: "A", message: "a" } as const;
  const [first] = conditionsOf([verdict], [], "2026-01-01T00:00:00Z");
  const [same] = conditionsOf([{ ...verdict, message: "b" }], first ? [first] : [], "2026-01-02T00:00:00Z");
  expect(same).toMatchObject({ message: "b", lastTransitionTime: "2026-01-01T00:00:00Z" });
  const [other] = conditionsOf([{ ...verdict, status: "False" }], same ? [same] : [], "2026-01-03T00:00:00Z");
  expect(other?.lastTransitionTime).toBe("2026-01-03T00:00:00Z");
});
