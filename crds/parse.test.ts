import { expect, test } from "@jest/globals";
import { cidrPoolKind } from "./cidr-pool.ts";
import { clusterLinkKind } from "./cluster-link.ts";
import { clusterKind } from "./cluster.ts";

const written = (kind: string, spec?: unknown) => ({
  apiVersion: "trestle.dev/v1alpha1",
  kind,
  metadata: { name: "x" },
  spec,
});

test("what a person leaves out of a file is filled in, and what is unknown is dropped", () => {
  expect(clusterKind.parse(written("Cluster")).spec).toEqual({
    podCIDRs: [],
    allowedCIDRs: [],
    localCIDRs: [],
    paused: false,
  });
  expect(
    cidrPoolKind.parse(written("CIDRPool", { cidr: "10.0.0.0/8", clusterPrefixLength: 16, colour: "red" })).spec,
  ).toEqual({
    cidr: "10.0.0.0/8",
    clusterPrefixLength: 16,
    purpose: "Pods",
  });
  expect(clusterLinkKind.parse(written("ClusterLink", { members: { names: ["a", "b"] } })).spec).toEqual({
    members: { names: ["a", "b"] },
    tunnel: "WireGuard",
  });
});

test.each<[string, unknown, string]>([
  ["nothing", null, "the object must be a group of fields, not null"],
  ["no metadata", { ...written("ClusterLink"), metadata: undefined }, "metadata is missing"],
  ["no name", { ...written("ClusterLink"), metadata: { name: "" } }, "metadata.name must not be empty"],
  [
    "a label that is a number",
    { ...written("ClusterLink"), metadata: { name: "x", labels: { tier: 1 } } },
    "metadata.labels.tier must be a text, not 1",
  ],
  [
    "another version",
    { ...written("ClusterLink"), apiVersion: "trestle.dev/v2" },
    'apiVersion must be trestle.dev/v1alpha1, not "trestle.dev/v2"',
  ],
  ["another kind", written("Cluster"), 'kind must be ClusterLink, not "Cluster"'],
  ["a list for a spec", written("ClusterLink", []), "spec must be a group of fields, not []"],
  ["an unknown tunnel", written("ClusterLink", { tunnel: "GRE" }), 'spec.tunnel must be WireGuard or VXLAN, not "GRE"'],
  ["a word for a number", written("ClusterLink", { mtu: "big" }), 'spec.mtu must be a number, not "big"'],
  ["half a byte", written("ClusterLink", { mtu: 1400.5 }), "spec.mtu must be a whole number, not 1400.5"],
  [
    "a number too large",
    written("ClusterLink", { mtu: 1e300 }),
    "spec.mtu must be at most 9007199254740991, not 1e+300",
  ],
  [
    "a word for a list",
    written("ClusterLink", { members: { names: "east" } }),
    'spec.members.names must be a list, not "east"',
  ],
  [
    "faults at several places",
    written("ClusterLink", { members: { names: [3] }, from: 1 }),
    "spec.members.names[0] must be a text, not 3; spec.from must be a group of fields, not 1",
  ],
])("%s is refused in plain words", (_, value, message) => {
  expect(() => clusterLinkKind.parse(value)).toThrow(new Error(message));
});

test("a required field that is missing, and a text too long, are named", () => {
  expect(() => cidrPoolKind.parse(written("CIDRPool"))).toThrow(
    new Error("spec.cidr is missing; spec.clusterPrefixLength is missing"),
  );
  expect(() => cidrPoolKind.parse(written("CIDRPool", { cidr: "1".repeat(65), clusterPrefixLength: 16 }))).toThrow(
    new Error("spec.cidr must be at most 64 characters long"),
  );
});
