import { expect, test } from "@jest/globals";
import type { Refusal } from "./refusal.ts";
import {
  gatewayRefusals,
  ipBlockRefusals,
  membershipRefusals,
  nodeRefusals,
  remoteClusterRefusals,
} from "./validation-member.ts";

const told = (refusals: readonly Refusal[]) => refusals.map(({ code, message }) => `${code} | ${message}`);

test.each([
  ["rank-0", "node-1", 0, []],
  ["rank-15", "ip-10-0-0-1.ec2.internal", 15, []],
  ["rank-1", "node-1", 0, ['bad-name | metadata.name: must be rank-0, not "rank-1"']],
  ["rank-16", "node-1", 16, ["bad-spec | spec.rank: 16 is not a whole number from 0 to 15"]],
  ["rank-0", "Node 1", 0, [expect.stringMatching(/^bad-name \| spec.node: "Node 1" is not a node name/)]],
])("Gateway %s on %j with rank %i", (name, node, rank, faults) => {
  expect(told(gatewayRefusals(name, { node, rank }))).toEqual(faults);
});

test.each([
  ["10-4-1-0-24", "10.4.1.0/24", []],
  ["fd00-0000-0000-0000-0000-0000-0000-0100-120", "fd00::100/120", []],
  ["10-4-1-0-24", "10.4.2.0/24", ['bad-name | metadata.name: must be 10-4-2-0-24, not "10-4-1-0-24"']],
  ["fd00--100-120", "FD00::100/120", ['bad-cidr | spec.cidr: write "FD00::100/120" as fd00::100/120']],
])("IPBlock %s of %s", (name, cidr, faults) => {
  expect(told(ipBlockRefusals(name, { cidr, node: "node-1", purpose: "Pods" }))).toEqual(faults);
});

test.each([
  ["10.1.0.10/24", undefined],
  ["fd00::1/64", undefined],
  ["10.1.0.10", "bad-address"],
  ["10.1.0.10/33", "bad-address"],
  ["10.1.0.10/024", "bad-address"],
  ["10.1.0.10/24/24", "bad-address"],
  ["FD00::1/64", "bad-address"],
  ["east/24", "bad-address"],
  ["10.1.0.10/", "bad-address"],
  ["10.1.0.10/-1", "bad-address"],
  ["10.1.0.10/24.5", "bad-address"],
  ["10.1.0.10/NaN", "bad-address"],
])("a Node with the address %j", (address, code) => {
  expect(nodeRefusals("node-1", { addresses: [address] })[0]?.code).toBe(code);
});

test("a RemoteCluster has a number, readable prefixes, and its mesh prefixes among them", () => {
  const spec = {
    number: 2,
    prefixes: ["10.4.0.0/16", "10.255.0.0/24"],
    meshPrefixes: ["10.255.0.0/24"],
    gateways: [],
    tunnel: "WireGuard",
    revision: { epoch: 1, generation: 1 },
  } as const;
  expect(remoteClusterRefusals("west", spec)).toEqual([]);
  expect(told(remoteClusterRefusals("west", { ...spec, number: 0, prefixes: ["10.4.0.1/16"] }))).toEqual([
    "bad-spec | spec.number: 0 is not a whole number from 1 to 65535",
    "host-bits-set | spec.prefixes[0]: 10.4.0.1/16 has host bits set; did you mean 10.4.0.0/16?",
    "bad-spec | spec.meshPrefixes: 10.255.0.0/24 is missing in spec.prefixes",
  ]);
});

test("there is one membership, named mesh", () => {
  expect(membershipRefusals("mesh", { mesh: "m", cluster: "east", phase: "Joined", localCIDRs: [] })).toEqual([]);
  expect(told(membershipRefusals("other", { mesh: "m", cluster: "east", phase: "Joined", localCIDRs: [] }))).toEqual([
    'bad-name | metadata.name: must be mesh, not "other"',
  ]);
});
