import { expect, test } from "@jest/globals";
import { parseCidr } from "./cidr.ts";
import { lowestFreeBlock, nodeBlockLength } from "./node-blocks.ts";

test.each([
  ["10.0.0.0/8", 24],
  ["10.0.0.0/16", 24],
  ["10.0.0.0/20", 24],
  ["10.0.0.0/22", 26],
  ["10.0.0.0/26", 30],
  ["10.0.0.0/30", 32],
  ["fd00::/48", 120],
  ["fd00::/118", 122],
  ["fd00::/126", 128],
])("nodes of a cluster with %s claim blocks of /%i", (podCIDR, length) => {
  expect(nodeBlockLength(parseCidr(podCIDR))).toBe(length);
});

test("the first node gets the first block, the next the one after, and a hole is filled first", () => {
  expect(lowestFreeBlock("10.4.0.0/16", [])).toBe("10.4.0.0/24");
  expect(lowestFreeBlock("10.4.0.0/16", ["10.4.0.0/24"])).toBe("10.4.1.0/24");
  expect(lowestFreeBlock("10.4.0.0/16", ["10.4.0.0/24", "10.4.2.0/24"])).toBe("10.4.1.0/24");
  expect(lowestFreeBlock("fd00::/64", ["fd00::/120"])).toBe("fd00::100/120");
});

test("a single claimed address keeps its whole block from others", () => {
  expect(lowestFreeBlock("10.4.0.0/16", ["10.4.0.7/32"])).toBe("10.4.1.0/24");
});

test("when every block is owned there is none to give", () => {
  expect(lowestFreeBlock("10.4.0.0/31", ["10.4.0.0/32", "10.4.0.1/32"])).toBeUndefined();
});
