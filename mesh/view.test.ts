import { expect, test } from "@jest/globals";
import type { GatewayRecord } from "./resources.ts";
import { cluster, link } from "./testing/objects.ts";
import { NONE, resolveLinks } from "./ties.ts";
import type { PeerRecord } from "./view-records.ts";
import { entryOf, peerRecord } from "./view.ts";

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

test("a cluster without a number has no record", () => {
  expect(records.has("south")).toBe(false);
});

test("a cluster is told of those it is linked with alone, by the terms of the link, and records are shared", () => {
  const { ties } = resolveLinks(
    [
      link("mesh", { members: { names: ["west", "east"] }, mtu: 1400 }, "2026-01-01T00:00:00Z"),
      link("other", { members: { names: ["west", "north"] }, tunnel: "VXLAN" }, "2026-01-02T00:00:00Z"),
    ],
    clusters,
  );
  const told = (reader: string, of: string) =>
    entryOf(ties.get(reader) ?? NONE, { record: records.get(of) as PeerRecord, ties: ties.get(of) ?? NONE });
  expect(told("west", "north")).toEqual({ peer: records.get("north"), tunnel: "VXLAN" });
  expect(told("west", "east")).toEqual({ peer: records.get("east"), tunnel: "WireGuard", mtu: 1400 });
  expect(told("west", "east")?.peer).toBe(records.get("east"));
  expect(told("north", "east")).toBeUndefined();
});
