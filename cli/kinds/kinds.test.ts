import { expect, test } from "@jest/globals";
import { network } from "../../mesh/ipam/testing/objects.ts";
import type { Cluster, ClusterLink, JoinToken, Metadata } from "../../mesh/resources.ts";
import { API_VERSION } from "../../mesh/resources.ts";
import type { Look } from "../output.ts";
import { renderTable } from "../table.ts";
import { clusterColumns, describeCluster } from "./cluster.ts";
import { describeLink, linkColumns } from "./link.ts";
import { describeNetwork } from "./network.ts";
import { tokenColumns } from "./token.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const look: Look = { wide: false, now: NOW, paint: (text) => text };
const at = (seconds: number): string => new Date(NOW + seconds * 1_000).toISOString();
const named = (name: string): Metadata => ({
  name,
  uid: name,
  resourceVersion: "1",
  generation: 1,
  creationTimestamp: at(-3 * 86_400),
  finalizers: [],
  labels: { tier: "prod" },
  annotations: {},
});

const gateway = {
  name: "a",
  rank: 0,
  endpoints: ["192.0.2.1"],
  behindNAT: false,
  basePort: 51_820,
  publicKey: "PUBLICKEY=",
};
const east: Cluster = {
  apiVersion: API_VERSION,
  kind: "Cluster",
  metadata: named("east"),
  spec: { podCIDRs: [], allowedCIDRs: ["10.9.0.0/28"], localCIDRs: [], paused: true },
  status: {
    number: 1,
    podCIDRs: ["10.64.0.0/16", "fd00:64::/48"],
    meshPrefixes: ["10.255.0.0/24"],
    gateways: [gateway],
    revision: { desired: { epoch: 2, generation: 7 }, applied: { epoch: 2, generation: 6 } },
    lastSeen: at(-4),
    conditions: [
      {
        type: "Ready",
        status: "False",
        reason: "Behind",
        message: "has yet to apply 2.7",
        lastTransitionTime: at(-60),
      },
    ],
  },
};
const link: ClusterLink = {
  apiVersion: API_VERSION,
  kind: "ClusterLink",
  metadata: named("spokes"),
  spec: { from: { names: ["core"] }, to: { matchLabels: { tier: "prod" } }, tunnel: "VXLAN" },
  status: { pairs: { Up: 1, Degraded: 1, Doubtful: 0, Unreachable: 2, Pending: 0 }, worst: [], conditions: [] },
};
const token = (name: string, expiresAt: string, status: JoinToken["status"] = {}): JoinToken => ({
  apiVersion: API_VERSION,
  kind: "JoinToken",
  metadata: named(name),
  spec: { cluster: "east", podCIDRs: [], expiresAt, publicKey: "UKEY" },
  status,
});

test("a cluster is one line, and a page", () => {
  expect(renderTable(clusterColumns, [east], look)).toBe(`\
NAME   NUMBER   POD CIDRS                   GATEWAYS   APPLIED   LAST SEEN   AGE
east   1        10.64.0.0/16,fd00:64::/48   1          2.6       4s          3d
`);
  expect(renderTable(clusterColumns, [east], { ...look, wide: true }).split("\n")[0]).toBe(
    "NAME   NUMBER   POD CIDRS                   MESH PREFIXES   GATEWAYS   DESIRED   APPLIED   LAST SEEN   PAUSED   LABELS      AGE",
  );
  expect(describeCluster(east, look)).toBe(`\
Name:            east
Number:          1
Pod CIDRs:       10.64.0.0/16
                 fd00:64::/48
Mesh prefixes:   10.255.0.0/24
May announce:    10.9.0.0/28
Revision:        2.6 applied, 2.7 desired
Last seen:       4s ago
Paused:          yes: the hub publishes it nothing new
Labels:          tier=prod
Created:         3d ago

Gateways:
  RANK   NODE   ENDPOINTS   BASE PORT   PUBLIC KEY
  0      a      192.0.2.1   51820       PUBLICKEY=

Conditions:
  CONDITION   STATUS   REASON   SINCE   MESSAGE
  Ready       False    Behind   60s     has yet to apply 2.7
`);
});

test("a revision that is behind stands out in colour", () => {
  const painted = renderTable(clusterColumns, [east], { ...look, paint: (text, tone) => `<${tone}>${text}` });
  expect(painted).toContain("<doubt>2.6");
});

test("a link that does not encrypt says so wherever it is shown", () => {
  expect(renderTable(linkColumns, [link], look)).toBe(`\
NAME     CLUSTERS            TUNNEL          PAIRS UP   READY   AGE
spokes   core -> tier=prod   VXLAN (clear)   2/4        -       3d
`);
  expect(describeLink(link, look)).toContain(
    "Tunnel:     VXLAN, which does not encrypt\nPairs:      1 Up, 1 Degraded, 2 Unreachable\n",
  );
});

test("a Network that is held says until when", () => {
  const lan = network("lan", { type: "Underlay" });
  expect(describeNetwork(lan, [], look)).not.toContain("Deleted:");
  const held = { ...lan, metadata: { ...named("lan"), deletionTimestamp: at(-90) } };
  expect(describeNetwork(held, [], look)).toContain("Deleted:   90s ago: it goes when no Subnet is of it\n");
});

test("a token is usable, used or expired", () => {
  const tokens = [
    token("a", at(3_600)),
    token("b", at(-1)),
    token("c", at(-1), { usedAt: at(-60), usedBy: "UMEMBER" }),
  ];
  expect(renderTable(tokenColumns, tokens, look)).toBe(`\
NAME   CLUSTER   STATE     EXPIRES IN   POD CIDRS   AGE
a      east      usable    60m          -           3d
b      east      expired   -            -           3d
c      east      used      -            -           3d
`);
});
