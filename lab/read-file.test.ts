import { describe, expect, test } from "@jest/globals";
import path from "node:path";
import { labFile, linkedPairs, selectClusters } from "./file.ts";
import { netnsNames } from "./layout.ts";
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
    ["east", 3],
    ["west", 3],
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
    clusters: [
      {
        runtime: "embedded",
        families: [4],
        lan: ["192.168.1.0/24"],
        allowedCIDRs: [],
        mtu: 1500,
        nat: false,
        labels: {},
        nodes: [{ name: "a", gateway: true, endpoint: [], openPorts: [], labels: {} }],
        pods: [],
      },
    ],
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
      "an announced range that is another site's",
      [
        "clusters:",
        `  - { name: east, allowedCIDRs: [192.168.1.160/28], ${CLUSTER} }`,
        `  - { name: west, allowedCIDRs: [192.168.1.176/28], ${CLUSTER.replace(".1.", ".2.")} }`,
      ],
      /^lab.yaml:4:34: 192.168.1.176\/28 overlaps 192.168.1.0\/24, the LAN of cluster east; pick another range$/,
    ],
    [
      "an announced range with host bits",
      [`clusters: [{ name: east, allowedCIDRs: [192.168.1.161/28], ${CLUSTER} }]`],
      /lab.yaml:2:41: .* did you mean 192.168.1.160\/28\?/,
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
    [
      "no LAN",
      ["clusters: [{ name: east, nodes: [{ name: a, gateway: true }] }]"],
      /lab.yaml:2:12: lan: expected string, received undefined/,
    ],
    [
      "a LAN with two ranges of one family",
      ["clusters: [{ name: east, lan: [10.1.0.0/24, 10.2.0.0/24], nodes: [{ name: a, gateway: true }] }]"],
      /lab.yaml:2:31: a LAN has at most one range of each family/,
    ],
    [
      "no room in a node's own LAN",
      [`clusters: [{ name: east, ${CLUSTER.replace("}]", "}, { name: b, lan: 'fd00::/124' }]")} }]`],
      /lab.yaml:2:\d+: fd00::\/124 has no room for 1 nodes/,
    ],
    [
      "a node's LAN that overlaps another",
      [`clusters: [{ name: east, ${CLUSTER.replace("}]", "}, { name: b, lan: 192.168.0.0/16 }]")} }]`],
      /192.168.0.0\/16 overlaps 192.168.1.0\/24, the LAN of cluster east/,
    ],
    [
      "a LAN that is the internet of the lab",
      ["clusters: [{ name: east, lan: '2001:db8:113::/64', nodes: [{ name: a, gateway: true }] }]"],
      /overlaps 2001:db8:113::\/59, the nets between the WAN and the sites/,
    ],
    [
      "nodes that can't reach their cluster's store",
      [`clusters: [{ name: east, ${CLUSTER.replace("}]", "}, { name: b, lan: 'fd00::/64' }]")} }]`],
      /lab.yaml:2:31: the nodes of cluster east have no family in common to reach its store by/,
    ],
    [
      "a family that is none",
      [`clusters: [{ name: east, families: [5], ${CLUSTER} }]`],
      /lab.yaml:2:37: families: a family is 4 or 6/,
    ],
    [
      "a family twice",
      [`clusters: [{ name: east, families: [6, 6], ${CLUSTER} }]`],
      /lab.yaml:2:36: name each family once/,
    ],
    [
      "pods of a family that no pool has",
      [`clusters: [{ name: east, families: [4, 6], ${CLUSTER} }]`],
      /lab.yaml:2:36: the pods of cluster east want IPv6, and no pool has it; add one, e.g. { name: pods6, /,
    ],
    [
      "a port that is none",
      ["clusters: [{ name: east, lan: 192.168.1.0/24, nodes: [{ name: a, gateway: true, openPorts: [80] }] }]"],
      /lab.yaml:2:93: openPorts: expected string/,
    ],
    [
      "a port without its protocol",
      ["clusters: [{ name: east, lan: 192.168.1.0/24, nodes: [{ name: a, gateway: true, openPorts: ['80'] }] }]"],
      /lab.yaml:2:93: openPorts: write a port as tcp\/80 or udp\/53/,
    ],
    [
      "an endpoint of a node that nobody dials",
      [`clusters: [{ name: east, ${CLUSTER.replace("}]", "}, { name: b, endpoint: [example.net] }]")} }]`],
      /node b is no gateway: nobody dials it/,
    ],
    [
      "an endpoint that is none",
      ["clusters: [{ name: east, lan: 192.168.1.0/24, nodes: [{ name: a, gateway: true, endpoint: ['a b'] }] }]"],
      /lab.yaml:2:92: endpoint: use IP addresses or DNS names/,
    ],
    [
      "a node named like the site's router",
      ["clusters: [{ name: east, lan: 192.168.1.0/24, nodes: [{ name: router, gateway: true }] }]"],
      /lab.yaml:2:63: router is the place of each site's own router/,
    ],
    [
      "VXLAN through NAT",
      [
        `clusters: [{ name: east, ${CLUSTER} }, { name: west, nat: true, ${CLUSTER.replace(".1.", ".2.")} }]`,
        "links: [{ name: l, clusters: [east, west], tunnel: vxlan }]",
      ],
      /lab.yaml:3:9: link l can't reach west, which is behind NAT, by vxlan; use tunnel: wireguard$/,
    ],
    [
      "a link from NAT to NAT",
      [
        `clusters: [{ name: east, nat: true, ${CLUSTER} }, { name: west, nat: true, ${CLUSTER.replace(".1.", ".2.")} }]`,
        "links: [{ name: l, clusters: [east, west] }]",
      ],
      /link l can't join east and west: both are behind NAT, and neither can dial the other$/,
    ],
    [
      "a link from IPv4 to IPv6",
      [
        `clusters: [{ name: east, ${CLUSTER} }, { name: west, ${CLUSTER.replace("192.168.1.0/24", "'fd00::/64'")} }]`,
        "links: [{ name: l, from: [east], to: [west] }]",
      ],
      /link l can't join east and west: their gateways' LANs have no family in common$/,
    ],
    [
      "a tunnel of another kind",
      [`clusters: [{ name: east, ${CLUSTER} }]`, "links: [{ name: l, selector: {}, tunnel: ipsec }]"],
      /lab.yaml:3:42: tunnel: a tunnel is wireguard or vxlan/,
    ],
    [
      "Kubernetes",
      [`clusters: [{ name: east, runtime: kubernetes, ${CLUSTER} }]`],
      /kubernetes comes with a later release/,
    ],
    [
      "a pod with an owner of no kind",
      [`clusters: [{ name: east, ${CLUSTER}, pods: [{ name: p, node: a, owner: web }] }]`],
      /lab.yaml:2:\d+: write an owner as StatefulSet\/web/,
    ],
    ["broken YAML", ["clusters: }"], /lab.yaml:2:11: Unexpected flow-map-end/],
  ])("%s", (_, lines, message) => {
    expect(() => read(...lines)).toThrow(message);
  });

  test("all faults at once, in the order of their lines", () => {
    expect(() =>
      read("clusters:", `  - { name: E, ${CLUSTER} }`, `  - { name: w, mtu: 100, ${CLUSTER} }`, "x: 1"),
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
});

test.each(["three-clusters.yaml", "behind-nat.yaml", "sites.yaml"])(
  "%s can be read, and again as it was read",
  (name) => {
    const file = readLabFile(path.join(import.meta.dirname, name));
    expect(labFile.parse(JSON.parse(JSON.stringify(file)))).toEqual(file);
  },
);
