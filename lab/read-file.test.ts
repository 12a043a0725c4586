import { describe, expect, test } from "@jest/globals";
import path from "node:path";
import { linkedPairs, selectClusters } from "./file.ts";
import { layoutOf, netnsNames } from "./layout.ts";
import { parseLabFile, readLabFile } from "./read-file.ts";

const CLUSTER = "lan: 192.168.1.0/24, nodes: [{ name: a, gateway: true }]";
const POOLS = "pools: [{ name: pods, cidr: 10.64.0.0/12, clusterPrefixLength: 16 }]";

/** A file of a good pool and these further lines, the first of which is line 2. */
function read(...lines: string[]): ReturnType<typeof parseLabFile> {
  return parseLabFile([POOLS, ...lines].join("\n"), "lab.yaml");
}

test("the lab that comes with the checkout is three clusters, each with a pod on every node, all linked", () => {
  const file = readLabFile(path.join(import.meta.dirname, "three-clusters.yaml"));
  expect(file.clusters.map(({ name, nodes }) => [name, nodes.length])).toEqual([
    ["east", 2],
    ["west", 2],
    ["edge", 1],
  ]);
  for (const { nodes, pods } of file.clusters) {
    expect(new Set(pods.map(({ node }) => node))).toEqual(new Set(nodes.map(({ name }) => name)));
  }
  expect(linkedPairs(file).size).toBe(6);
});

test("what a file leaves out is what most labs want", () => {
  expect(read("clusters:", `  - { name: east, ${CLUSTER} }`)).toMatchObject({
    hub: {},
    clusters: [{ runtime: "embedded", families: [4], mtu: 1500, nat: false, labels: {}, pods: [] }],
    links: [],
  });
});

describe("a fault is told with its line, its column and what to do", () => {
  test.each([
    [
      "a misspelt key",
      ["clusters:", `  - { name: east, ${CLUSTER}, lables: {} }`],
      /lab.yaml:3:\d+: unknown key lables; did you mean labels\?/,
    ],
    [
      "a key from elsewhere",
      [`clusters: [{ name: east, ${CLUSTER} }]`, "colour: red"],
      /lab.yaml:3:1: unknown key colour; known here: hub, pools, clusters, links/,
    ],
    ["no clusters", [], /lab.yaml:1:1: clusters: expected array/],
    ["a name that is none", [`clusters: [{ name: East, ${CLUSTER} }]`], /lab.yaml:2:20: "East" is not a name/],
    ["a cluster called hub", [`clusters: [{ name: hub, ${CLUSTER} }]`], /hub and wan are places of every lab/],
    [
      "host bits",
      ["clusters: [{ name: east, lan: 192.168.1.1/24, nodes: [{ name: a, gateway: true }] }]"],
      /lab.yaml:2:31: .* did you mean 192.168.1.0\/24\?/,
    ],
    [
      "no gateway",
      ["clusters: [{ name: east, lan: 192.168.1.0/24, nodes: [{ name: a }] }]"],
      /cluster east has no gateway; set gateway: true/,
    ],
    [
      "too small a LAN",
      ["clusters: [{ name: east, lan: 192.168.1.0/29, nodes: [{ name: a, gateway: true }] }]"],
      /has no room for 1 nodes/,
    ],
    [
      "a pod on no node",
      [`clusters: [{ name: east, ${CLUSTER}, pods: [{ name: p, node: z }] }]`],
      /lab.yaml:2:\d+: cluster east has no node z; it has a/,
    ],
    [
      "a pod named like a node",
      [`clusters: [{ name: east, ${CLUSTER}, pods: [{ name: a, node: a }] }]`],
      /east\/a is a node already/,
    ],
    [
      "a node named like the LAN",
      ["clusters: [{ name: east, lan: 192.168.1.0/24, nodes: [{ name: lan, gateway: true }] }]"],
      /share the network namespace lab-east-lan/,
    ],
    [
      "two clusters of one name",
      ["clusters:", `  - { name: east, ${CLUSTER} }`, `  - { name: east, ${CLUSTER} }`],
      /lab.yaml:4:\d+: the name east is taken above/,
    ],
    [
      "LANs that overlap",
      ["clusters:", `  - { name: east, ${CLUSTER} }`, `  - { name: west, ${CLUSTER} }`],
      /lab.yaml:4:\d+: 192.168.1.0\/24 overlaps 192.168.1.0\/24, the LAN of cluster east/,
    ],
    [
      "a LAN within a pool",
      ["clusters: [{ name: east, lan: 10.65.0.0/24, nodes: [{ name: a, gateway: true }] }]"],
      /overlaps 10.64.0.0\/12, pool pods/,
    ],
    [
      "a link to nowhere",
      [`clusters: [{ name: east, ${CLUSTER} }]`, "links: [{ name: l, clusters: [east, wst] }]"],
      /lab.yaml:3:37: there is no cluster wst; there are east/,
    ],
    [
      "a link of two forms",
      [`clusters: [{ name: east, ${CLUSTER} }]`, "links: [{ name: l, selector: {}, from: [east], to: [east] }]"],
      /link l must have one of/,
    ],
    ["NAT", [`clusters: [{ name: east, nat: true, ${CLUSTER} }]`], /behind NAT comes with a later release/],
    [
      "IPv6",
      [`clusters: [{ name: east, families: [4, 6], ${CLUSTER} }]`],
      /IPv6 comes to the lab with a later release/,
    ],
    [
      "Kubernetes",
      [`clusters: [{ name: east, runtime: kubernetes, ${CLUSTER} }]`],
      /kubernetes comes with a later release/,
    ],
    [
      "VXLAN",
      [`clusters: [{ name: east, ${CLUSTER} }]`, "links: [{ name: l, selector: {}, tunnel: vxlan }]"],
      /vxlan comes with a later release/,
    ],
    [
      "a pod that chooses its address",
      [`clusters: [{ name: east, ${CLUSTER}, pods: [{ name: p, node: a, annotations: { trestle.dev/ip: x } }] }]`],
      /trestle.dev\/ip: .* later release/,
    ],
    ["broken YAML", ["clusters: }"], /lab.yaml:2:11: Unexpected flow-map-end/],
  ])("%s", (_, lines, message) => {
    expect(() => read(...lines)).toThrow(message);
  });

  test("all faults at once, in the order of their lines", () => {
    expect(() =>
      read("clusters:", `  - { name: E, ${CLUSTER} }`, `  - { name: w, nat: true, ${CLUSTER} }`, "x: 1"),
    ).toThrow(/^lab.yaml:3:.*\nlab.yaml:4:.*\nlab.yaml:5:.*$/);
  });
});

test("links by label and hub-and-spoke mean the pairs they say", () => {
  const clusters = ["a", "b", "c"].map(
    (name, at) =>
      `  - { name: ${name}, lan: 192.168.${at}.0/24, labels: { tier: ${at < 2 ? "prod" : "dev"} }, nodes: [{ name: n, gateway: true }] }`,
  );
  const file = read(
    "clusters:",
    ...clusters,
    "links:",
    "  - { name: l, selector: { tier: prod } }",
    "  - { name: s, from: [a], to: [a, c] }",
  );
  expect(selectClusters(file, { tier: "prod" })).toEqual(["a", "b"]);
  expect([...linkedPairs(file)].toSorted()).toEqual(["a>b", "a>c", "b>a", "c>a"]);
});

test("everything of a lab is in namespaces that begin with its name, each its own", () => {
  const file = readLabFile(path.join(import.meta.dirname, "three-clusters.yaml"));
  const names = netnsNames("mine", file).map(({ netns }) => netns);
  expect(new Set(names).size).toBe(names.length);
  expect(names.filter((netns) => !netns.startsWith("mine-"))).toEqual([]);
  expect(layoutOf("mine", file).sites[1]).toMatchObject({
    router: "192.168.2.1",
    nodes: [{ address: "192.168.2.10", netns: "mine-west-a" }, { address: "192.168.2.11" }],
  });
});
