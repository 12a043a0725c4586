import { expect, test } from "@jest/globals";
import type { AnyResource, KindDefinition } from "../crds/kind.ts";
import { networkKind } from "../crds/network.ts";
import { subnetKind } from "../crds/subnet.ts";
import { metadata } from "../mesh/testing/objects.ts";
import { hasUnderlay, podSubnetsOf } from "./pod-subnets.ts";
import type { PodSubnet } from "./pod-subnets.ts";

function objectOf<T extends AnyResource>(kind: KindDefinition<T>, name: string, spec: unknown): T {
  return kind.parse({ apiVersion: kind.apiVersion, kind: kind.kind, metadata: metadata(name), spec });
}
const network = (type: string, nodeSelector = {}) => objectOf(networkKind, type.toLowerCase(), { type, nodeSelector });
const subnet = (spec: object) => objectOf(subnetKind, "s", spec);
const networks = [network("Overlay"), network("Underlay")];

test.each<[string, object, readonly PodSubnet[]]>([
  [
    "an overlay Subnet is masqueraded",
    { network: "overlay", cidr: "10.64.0.0/16" },
    [{ type: "Overlay", ranges: ["10.64.0.0/16"], masquerade: true }],
  ],
  [
    "an underlay Subnet keeps its sources, and is only what pods may have",
    { network: "underlay", cidr: "10.0.0.0/24", range: { start: "10.0.0.16", end: "10.0.0.31" }, gateway: "10.0.0.31" },
    [{ type: "Underlay", ranges: ["10.0.0.16/29", "10.0.0.24/30", "10.0.0.28/31", "10.0.0.30/32"], masquerade: false }],
  ],
  [
    "a Subnet may say otherwise",
    { network: "underlay", cidr: "10.0.0.0/24", masquerade: true },
    [{ type: "Underlay", ranges: ["10.0.0.0/24"], masquerade: true }],
  ],
  [
    "a Subnet may say otherwise",
    { network: "overlay", cidr: "10.64.0.0/16", masquerade: false },
    [{ type: "Overlay", ranges: ["10.64.0.0/16"], masquerade: false }],
  ],
  ["a Subnet of no Network is none", { network: "gone", cidr: "10.64.0.0/16" }, []],
  ["one that came past admission is none", { network: "overlay", cidr: "10.64.0.0/16", excludeIPs: ["x"] }, []],
])("%s: %j", (_what, spec, expected) => {
  expect(podSubnetsOf({ networks, subnets: [subnet(spec)] })).toEqual(expected);
});

test("one that collides with an elder one is none", () => {
  const elder = subnet({ network: "overlay", cidr: "10.64.0.0/24" });
  const { metadata } = elder;
  const younger = {
    ...subnet({ network: "underlay", cidr: "10.64.0.0/16" }),
    metadata: { ...metadata, name: "younger", creationTimestamp: "2026-01-02T00:00:00Z" },
  };
  expect(podSubnetsOf({ networks, subnets: [younger, elder] })).toEqual([
    { type: "Overlay", ranges: ["10.64.0.0/24"], masquerade: true },
  ]);
});

test.each<[boolean, string, readonly ReturnType<typeof network>[]]>([
  [true, "one of all nodes", [network("Overlay"), network("Underlay")]],
  [true, "one that selects this node no more, for its pods still run", [network("Underlay", { site: "paris" })]],
  [false, "none", [network("Overlay")]],
])("pods may be on the LAN: %s, where the underlay is %s", (expected, _, given) => {
  expect(hasUnderlay({ networks: given })).toBe(expected);
});
