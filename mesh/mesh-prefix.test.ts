import { expect, test } from "@jest/globals";
import { contains, parseCidr } from "./cidr.ts";
import { healthAddress, isNodeAddress, lowestFreeNodeAddress, lowestFreeRank } from "./mesh-prefix.ts";
import { MAX_RANKS } from "./resources.ts";

test.each([
  ["10.255.0.0/24", 0, "WireGuard", "10.255.0.1/32"],
  ["10.255.0.0/24", 0, "VXLAN", "10.255.0.2/32"],
  ["10.255.0.0/24", 15, "VXLAN", "10.255.0.32/32"],
  ["fdff::/112", 1, "WireGuard", "fdff::3/128"],
] as const)("in %s the health address of rank %i through %s is %s", (prefix, rank, tunnel, address) => {
  expect(healthAddress(prefix, rank, tunnel)).toBe(address);
});

test.each([-1, 16, 0.5])("%s is refused as a rank", (rank) => {
  expect(() => healthAddress("10.255.0.0/24", rank, "WireGuard")).toThrow(RangeError);
});

test.each(["10.255.0.64/26", "fdff::/122"])(
  "every node of %s gets an address of its own, apart from all health addresses",
  (prefix) => {
    const health = Array.from({ length: MAX_RANKS }, (_, rank) => [
      healthAddress(prefix, rank, "WireGuard"),
      healthAddress(prefix, rank, "VXLAN"),
    ]).flat();
    const nodes: string[] = [];
    for (let next; (next = lowestFreeNodeAddress(prefix, nodes));) {
      nodes.push(next);
    }
    expect(nodes).toHaveLength(30);
    expect(new Set([...health, ...nodes]).size).toBe(62);
    expect([...health, ...nodes].every((address) => contains(parseCidr(prefix), parseCidr(address)))).toBe(true);
    expect(nodes.every((address) => isNodeAddress(prefix, address.split("/")[0] ?? ""))).toBe(true);
    expect(health.some((address) => isNodeAddress(prefix, address.split("/")[0] ?? ""))).toBe(false);
  },
);

test("a released node address is given again first", () => {
  expect(lowestFreeNodeAddress("10.255.0.0/24", ["10.255.0.33/32", "10.255.0.35/32", "10.9.9.9/32"])).toBe(
    "10.255.0.34/32",
  );
});

test("an address beyond the prefix is no node's", () => {
  expect(isNodeAddress("10.255.0.0/24", "10.255.1.40")).toBe(false);
});

test("the last address of a prefix is no node's, for hosts take it for a broadcast", () => {
  expect(isNodeAddress("10.255.0.0/26", "10.255.0.62")).toBe(true);
  expect(isNodeAddress("10.255.0.0/26", "10.255.0.63")).toBe(false);
});

test("ranks are given lowest first until none is left", () => {
  expect(lowestFreeRank([])).toBe(0);
  expect(lowestFreeRank([0, 2])).toBe(1);
  expect(lowestFreeRank(Array.from({ length: MAX_RANKS }, (_, rank) => rank))).toBeUndefined();
});
