import { expect, test } from "@jest/globals";
import type { StatusAnswer } from "../../crds/wire/hub-api.ts";
import type { Look } from "../output.ts";
import { drawStatus } from "./status.ts";
import { drawTrace } from "./trace.ts";

const NOW = Date.parse("2026-11-21T12:00:00Z");
const look: Look = { wide: false, now: NOW, paint: (text) => text };
const ago = (seconds: number): string => new Date(NOW - seconds * 1_000).toISOString();

const status: StatusAnswer = {
  hub: { connected: true, since: ago(200) },
  clusters: [
    {
      name: "east",
      number: 1,
      podCIDRs: ["10.64.0.0/16", "fd00:64::/48"],
      desired: { epoch: 1, generation: 4 },
      applied: { epoch: 1, generation: 4 },
      lastSeen: ago(4),
    },
    { name: "west", podCIDRs: [] },
  ],
  pairs: [
    {
      from: "east",
      to: "west",
      tunnel: "WireGuard",
      state: "Up",
      reason: "Proven",
      message: "all is well",
      since: ago(7_300),
      rttMs: 0.82,
      loss: 0,
      pathMTU: 1440,
    },
    {
      from: "west",
      to: "east",
      tunnel: "VXLAN",
      state: "Unreachable",
      reason: "NoGateway",
      message: "east has no gateway",
      since: ago(3),
      loss: 0.125,
    },
  ],
};

test("status shows the hub, every cluster and every pair", () => {
  expect(drawStatus(status, look)).toBe(`\
hub   connected since 3m

CLUSTER   NUMBER   POD CIDRS                   DESIRED   APPLIED   LAST SEEN
east      1        10.64.0.0/16,fd00:64::/48   1.4       1.4       4s
west      -        -                           -         -         -

FROM   TO     TUNNEL      STATE         SINCE   RTT     LOSS    MTU    REASON
east   west   WireGuard   Up            2h      0.8ms   0%      1440   -
west   east   VXLAN       Unreachable   3s      -       12.5%   -      NoGateway
`);
});

test.each([
  [{ ...status, clusters: [], pairs: [] }, "no cluster has joined yet"],
  [{ ...status, pairs: [] }, "no two clusters are linked; `trestle link create NAME --members a,b` links them"],
  [{ ...status, hub: { connected: false, since: ago(60) } }, "hub   not connected since 60s"],
])("status says what is missing", (answer, text) => {
  expect(drawStatus(answer, look)).toContain(text);
});

const ends = { from: "10.64.0.5", to: "west" };

test("a trace that arrives is a list of what holds", () => {
  const hops = [
    { check: "source", ok: true, detail: '10.64.0.5 is in 10.64.0.0/16 of cluster "east"' },
    { check: "tunnel out", ok: true, detail: "WireGuard: Up" },
  ];
  expect(drawTrace(ends, { reachable: true, hops }, look)).toBe(`\
✓ source       10.64.0.5 is in 10.64.0.0/16 of cluster "east"
✓ tunnel out   WireGuard: Up

10.64.0.5 reaches west
`);
});

test("a trace that stops ends with what stops it and what to do", () => {
  const hops = [
    { check: "source", ok: true, detail: "cluster east" },
    {
      check: "link",
      ok: false,
      detail: 'no ClusterLink joins "east" and "west"',
      remedy: "trestle link create NAME --members east,west",
    },
  ];
  expect(drawTrace(ends, { reachable: false, hops }, look)).toBe(`\
✓ source   cluster east
✗ link     no ClusterLink joins "east" and "west"
           → trestle link create NAME --members east,west

10.64.0.5 does not reach west
`);
});
