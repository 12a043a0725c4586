import { expect, test } from "@jest/globals";
import { resolveLinks } from "./links.ts";
import type { GatewayRecord } from "./resources.ts";
import { cluster, link } from "./testing/objects.ts";
import { peerRecord, viewOf } from "./view.ts";

const gateway = (rank: number): GatewayRecord => ({
  name: `node-${rank}`,
  rank,
  endpoints: ["192.0.2.1"],
  behindNAT: false,
  basePort: 51820,
  publicKey: "key",
});

const clusters = [
  cluster("east", {
    spec: { allowedCIDRs: ["10.9.0.0/28"] },
    status: {
      number: 3,
      podCIDRs: ["10.4.0.0/16"],
      meshPrefixes: ["10.255.0.0/24"],
      gateways: [gateway(1), gateway(0)],
    },
  }),
  cluster("west", { status: { number: 1 } }),
  cluster("north", { status: { number: 2 } }),
  cluster("south"),
];
const records = new Map(clusters.flatMap((each) => peerRecord(each) ?? []).map((record) => [record.name, record]));

test("a record holds what peers need, gateways by rank", () => {
  expect(records.get("east")).toEqual({
    name: "east",
    number: 3,
    podCIDRs: ["10.4.0.0/16"],
    announcedCIDRs: ["10.9.0.0/28"],
    meshPrefixes: ["10.255.0.0/24"],
    gateways: [gateway(0), gateway(1)],
  });
});

test("a cluster without a number has no record and no view", () => {
  expect(records.has("south")).toBe(false);
  expect(() => viewOf("south", [], records)).toThrow(RangeError);
});

test("a view holds the member itself and its linked clusters alone, in order of their numbers", () => {
  const links = [
    link("mesh", { members: { names: ["west", "east", "south"] }, mtu: 1400 }, "2026-01-01T00:00:00Z"),
    link("other", { members: { names: ["west", "north"] }, tunnel: "VXLAN" }, "2026-01-02T00:00:00Z"),
  ];
  const { pairs } = resolveLinks(links, clusters);
  expect(viewOf("west", pairs, records).entries).toEqual([
    { peer: records.get("north"), tunnel: "VXLAN" },
    { peer: records.get("east"), tunnel: "WireGuard", mtu: 1400 },
  ]);
  expect(viewOf("north", pairs, records).entries.map((entry) => entry.peer.name)).toEqual(["west"]);
  expect(viewOf("east", pairs, records).self).toEqual({
    name: "east",
    number: 3,
    podCIDRs: ["10.4.0.0/16"],
    announcedCIDRs: ["10.9.0.0/28"],
    meshPrefixes: ["10.255.0.0/24"],
  });
});

test("records are shared by views, not copied", () => {
  const { pairs } = resolveLinks([link("mesh", { members: { matchLabels: {} } })], clusters);
  expect(viewOf("west", pairs, records).entries[1]?.peer).toBe(records.get("east"));
});
