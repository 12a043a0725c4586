import { expect, test } from "@jest/globals";
import type { Refusal } from "./refusal.ts";
import type { CIDRPoolSpec, ClusterLinkSpec, ClusterSpec, JoinTokenSpec } from "./resources.ts";
import {
  cidrPoolRefusals,
  clusterLinkRefusals,
  clusterRefusals,
  joinTokenRefusals,
  ledgerRefusals,
} from "./validation-hub.ts";

const told = (refusals: readonly Refusal[]) => refusals.map(({ code, message }) => `${code} | ${message}`);

test.each<[string, Partial<CIDRPoolSpec>, string[]]>([
  ["a good one", {}, []],
  ["a good one of IPv6", { cidr: "fd00::/32", clusterPrefixLength: 48 }, []],
  ["a pool of one block", { cidr: "10.0.0.0/26", clusterPrefixLength: 26 }, []],
  [
    "host bits",
    { cidr: "10.1.0.5/8" },
    ["host-bits-set | spec.cidr: 10.1.0.5/8 has host bits set; did you mean 10.0.0.0/8?"],
  ],
  ["another spelling", { cidr: "FD00::/32" }, ['bad-cidr | spec.cidr: write "FD00::/32" as fd00::/32']],
  ["multicast", { cidr: "224.0.0.0/8" }, [expect.stringMatching(/^bad-cidr \| spec.cidr: .*multicast/)]],
  [
    "blocks wider than itself",
    { clusterPrefixLength: 7 },
    ["prefix-too-short | spec.clusterPrefixLength: a /7 is wider than 10.0.0.0/8; use 8 to 26"],
  ],
  [
    "blocks too small",
    { clusterPrefixLength: 27, purpose: "Mesh" },
    ["prefix-too-long | spec.clusterPrefixLength: a /27 leaves a cluster's gateways and nodes no room; use 8 to 26"],
  ],
  [
    "no room for any block",
    { cidr: "10.0.0.0/28", clusterPrefixLength: 28 },
    ["prefix-too-long | spec.cidr: 10.0.0.0/28 is too small for a pool: the smallest block is a /26"],
  ],
  [
    "a broken length",
    { clusterPrefixLength: 16.5 },
    ["bad-spec | spec.clusterPrefixLength: 16.5 is not a whole number from 8 to 26"],
  ],
] as [string, Partial<CIDRPoolSpec>, string[]][])("a CIDRPool: %s", (_, changes, faults) => {
  expect(
    told(cidrPoolRefusals("pods", { cidr: "10.0.0.0/8", clusterPrefixLength: 16, purpose: "Pods", ...changes })),
  ).toEqual(faults);
});

test.each<[string, Partial<ClusterSpec>, string[]]>([
  ["nothing declared", {}, []],
  [
    "loopback announced",
    { allowedCIDRs: ["127.0.0.0/8"] },
    [
      "bad-cidr | spec.allowedCIDRs[0]: 127.0.0.0/8 overlaps 127.0.0.0/8 (loopback), which can't be routed; use a range such as 10.0.0.0/8 or fd00::/8",
    ],
  ],
  ["a part of its LAN announced", { allowedCIDRs: ["10.1.0.240/28"], localCIDRs: ["10.1.0.0/24"] }, []],
  [
    "overlapping ranges",
    { podCIDRs: ["10.1.0.0/16"], allowedCIDRs: ["10.1.2.0/24"] },
    [expect.stringMatching(/^cidr-overlap \| .* its own 10.1.0.0\/16 \(declared\)/)],
  ],
  [
    "pods on its LAN",
    { podCIDRs: ["10.1.0.0/16"], localCIDRs: ["10.1.0.0/24"] },
    [expect.stringMatching(/^cidr-overlap/)],
  ],
  [
    "several faults, all told",
    { podCIDRs: ["10.1.0.0/16", "10.1.0.1/16"], allowedCIDRs: ["east"], localCIDRs: ["0.0.0.0/0"] },
    [
      "host-bits-set | spec.podCIDRs[1]: 10.1.0.1/16 has host bits set; did you mean 10.1.0.0/16?",
      expect.stringMatching(/^bad-cidr \| spec.allowedCIDRs\[0\]: /),
      expect.stringMatching(/^bad-cidr \| spec.localCIDRs\[0\]: /),
    ],
  ],
] as [string, Partial<ClusterSpec>, string[]][])("a Cluster: %s", (_, changes, faults) => {
  expect(
    told(clusterRefusals("east", { podCIDRs: [], allowedCIDRs: [], localCIDRs: [], paused: false, ...changes })),
  ).toEqual(faults);
});

const TWO = { names: ["east", "west"] };
const SIDES = "bad-spec | spec: give either members (all are linked with each other) or both from and to";
const NOBODY = "bad-spec | spec: links no two clusters; name at least two different ones";

test.each<[string, Partial<ClusterLinkSpec>, string[]]>([
  ["a mesh by name", { members: TWO }, []],
  ["a mesh of all", { members: { matchLabels: {} } }, []],
  ["a hub and its spokes", { from: { names: ["east"] }, to: { names: ["west"] } }, []],
  ["the least and the most MTU", { members: TWO, mtu: 1280 }, []],
  ["nothing", {}, [SIDES]],
  ["members and sides", { members: TWO, from: TWO, to: TWO }, [SIDES]],
  ["one side", { from: TWO }, [SIDES]],
  ["an empty selection", { members: {} }, ["bad-spec | spec.members: selects nothing; give names or matchLabels"]],
  ["no names", { from: { names: [] }, to: TWO }, ["bad-spec | spec.from: selects nothing; give names or matchLabels"]],
  ["one cluster", { members: { names: ["east"] } }, [NOBODY]],
  ["one cluster twice", { members: { names: ["east", "east"] } }, [NOBODY]],
  ["a cluster with itself", { from: { names: ["east"] }, to: { names: ["east"] } }, [NOBODY]],
  [
    "a wildcard",
    { members: { names: ["east", "*"] } },
    [expect.stringMatching(/^bad-name \| spec.members.names\[1\]: "\*" is not a name/)],
  ],
  [
    "too small an MTU",
    { members: TWO, mtu: 1279 },
    ["bad-spec | spec.mtu: 1279 is not a whole number from 1280 to 65535"],
  ],
  ["too large an MTU", { members: TWO, mtu: 65_536 }, [expect.stringMatching(/^bad-spec \| spec.mtu/)]],
] as [string, Partial<ClusterLinkSpec>, string[]][])("a ClusterLink: %s", (_, spec, faults) => {
  expect(told(clusterLinkRefusals("l", { tunnel: "WireGuard", ...spec }))).toEqual(faults);
});

test.each<[string, Partial<JoinTokenSpec>, string | undefined]>([
  ["a good one", {}, undefined],
  ["a bad cluster name", { cluster: "East" }, "bad-name"],
  ["a bad range", { podCIDRs: ["10.0.0.1/8"] }, "host-bits-set"],
  ["no time", { expiresAt: "tomorrow" }, "bad-spec"],
  ["a seed in place of the public key", { publicKey: `SU${"A".repeat(56)}` }, "bad-spec"],
])("a JoinToken: %s", (_, changes, code) => {
  const spec = { cluster: "east", podCIDRs: [], expiresAt: "2026-01-01T00:00:00Z", publicKey: `U${"A".repeat(55)}` };
  expect(joinTokenRefusals("t", { ...spec, ...changes })[0]?.code).toBe(code);
});

test("every kind of the hub refuses a name that is none", () => {
  const name = "a.b";
  expect(
    [
      ...cidrPoolRefusals(name, { cidr: "10.0.0.0/8", clusterPrefixLength: 16, purpose: "Pods" }),
      ...clusterRefusals(name, { podCIDRs: [], allowedCIDRs: [], localCIDRs: [], paused: false }),
      ...clusterLinkRefusals(name, { members: TWO, tunnel: "VXLAN" }),
      ...ledgerRefusals(name, { rows: [], numbers: [] }),
    ].map(({ code }) => code),
  ).toEqual(["bad-name", "bad-name", "bad-name", "bad-name"]);
});

test("a ledger with overlapping rows is refused, and one that can't be read", () => {
  const numbers = [{ cluster: "east", number: 1 }];
  const row = (prefix: string) => ({ prefix, cluster: "east", use: "assigned" }) as const;
  expect(ledgerRefusals("mesh", { numbers, rows: [row("10.0.0.0/8")] })).toEqual([]);
  expect(ledgerRefusals("mesh", { numbers, rows: [row("10.0.0.0/8"), row("10.0.0.0/16")] })[0]?.code).toBe(
    "cidr-overlap",
  );
  expect(ledgerRefusals("mesh", { numbers, rows: [row("east")] })[0]?.message).toMatch(/^spec.rows\[0\].prefix: /);
});
