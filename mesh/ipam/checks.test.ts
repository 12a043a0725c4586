import { expect, test } from "@jest/globals";
import { ipInstanceRefusals, networkRefusals, soundSubnets, subnetRefusals } from "./checks.ts";
import type { SubnetSpec } from "./resources.ts";
import { instance, subnet, subnetSpec } from "./testing/objects.ts";

const messages = (cidr: string, spec: Partial<SubnetSpec>): string[] =>
  subnetRefusals("pods", subnetSpec(cidr, spec)).map(({ message }) => message);

test.each<[string, Partial<SubnetSpec>]>([
  ["10.64.0.0/16", { gateway: "10.64.0.1" }],
  ["10.64.0.0/16", { gateway: "169.254.1.1", blockSize: 24 }],
  ["fd64::/56", { range: { start: "fd64::", end: "fd64::ffff" }, gateway: "fe80::1", blockSize: 120 }],
  ["10.0.0.0/30", { excludeIPs: ["10.0.0.1"], reservedIPs: ["10.0.0.1-10.0.0.2"] }],
])("%s with %j is a Subnet", (cidr, spec) => {
  expect(messages(cidr, spec)).toEqual([]);
});

test.each<[string, Partial<SubnetSpec>, string]>([
  ["10.64.0.1/16", {}, "spec.cidr: 10.64.0.1/16 has host bits set; did you mean 10.64.0.0/16?"],
  ["10.0.0.0/31", {}, "spec.cidr: a Subnet needs at least four addresses: /30 or shorter"],
  ["10.0.0.1/32", {}, "spec.cidr: a Subnet needs at least four addresses: /30 or shorter"],
  ["fd00::/127", {}, "spec.cidr: a Subnet needs at least four addresses: /126 or shorter"],
  ["fd00::1/128", {}, "spec.cidr: a Subnet needs at least four addresses: /126 or shorter"],
  [
    "10.0.0.0/15",
    {},
    "spec.range: a Subnet tracks at most 65536 addresses, not 131072; give a smaller range of 10.0.0.0/15",
  ],
  [
    "10.0.0.0/24",
    { range: { start: "10.0.0.9", end: "10.0.0.3" } },
    "spec.range: ends (10.0.0.3) before it starts (10.0.0.9)",
  ],
  [
    "10.0.0.0/24",
    { range: { start: "10.0.0.9", end: "10.0.1.3" } },
    "spec.range: 10.0.0.9 to 10.0.1.3 does not lie inside 10.0.0.0/24",
  ],
  ["10.0.0.0/24", { gateway: "10.0.1.1" }, "spec.gateway: 10.0.1.1 is neither inside the CIDR nor link-local"],
  ["10.0.0.0/24", { gateway: "fe80::1" }, "spec.gateway: fe80::1 is neither inside the CIDR nor link-local"],
  ["10.0.0.0/24", { excludeIPs: ["10.0.1.1"] }, "spec.excludeIPs[0]: 10.0.1.1 does not lie inside 10.0.0.0/24"],
  ["10.0.0.0/24", { blockSize: 23 }, "spec.blockSize: 23 is not a whole number from 24 to 30"],
  [
    "fd00::/64",
    { range: { start: "fd00::", end: "fd00::ffff" }, blockSize: 64 },
    "spec.blockSize: a block has at most 65536 addresses; give a length from 112 to 126, or leave it empty for /120",
  ],
])("%s with %j is refused", (cidr, spec, message) => {
  expect(messages(cidr, spec)).toEqual([message]);
});

test("all that is wrong with a Subnet is said at once", () => {
  const spec = { network: "No", gateway: "nowhere", reservedIPs: ["10.9.9.9"], blockSize: 99 };
  expect(messages("10.0.0.0/24", spec)).toHaveLength(4);
});

test("an overlay selects no nodes", () => {
  expect(networkRefusals("pods", { type: "Overlay", nodeSelector: { rack: "1" } })).toHaveLength(1);
  expect(networkRefusals("lan", { type: "Underlay", nodeSelector: { rack: "1" } })).toEqual([]);
});

test("an IPInstance is named by its address", () => {
  const { spec } = instance("10.0.0.7", "pods");
  expect(ipInstanceRefusals("10-0-0-7", spec)).toEqual([]);
  expect(ipInstanceRefusals("10-0-0-8", spec).map(({ code }) => code)).toEqual(["bad-name"]);
});

test("a Subnet that can't be reckoned with harms no other one", () => {
  const range = { start: "fd00::", end: "fd00::ffff" };
  const unsound = [
    subnet("a", "10.64.0.0/24", { excludeIPs: ["x"] }),
    subnet("b", "10.64.1.1/24"),
    subnet("d", "fd00::/64", { range, blockSize: 64 }),
  ];
  const sound = subnet("c", "10.64.2.0/24");
  expect(soundSubnets([...unsound, sound])).toEqual([sound]);
});
