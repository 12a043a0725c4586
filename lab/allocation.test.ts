import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { addressInCidr, parseAddress, parseCidr } from "../mesh/cidr.ts";
import { allocate } from "./allocation.ts";

test.each([
  [["10.64.0.0/24"], [], ["10.64.0.2"]],
  [["10.64.0.0/24"], ["10.64.0.2", "10.64.0.4"], ["10.64.0.3"]],
  [["10.64.0.0/30", "10.64.1.0/24"], ["10.64.0.2", "10.64.0.3"], ["10.64.1.2"]],
  [["10.64.0.0/24", "fd64::/120"], ["fd64::2"], ["10.64.0.2", "fd64::3"]],
])("of blocks %j with %j taken a pod gets %j", (blocks, taken, addresses) => {
  expect(allocate(blocks, taken)).toEqual(addresses);
});

test("a block gives each of its addresses once, never its first two, then says that it is full", () => {
  fc.assert(
    fc.property(fc.integer({ min: 26, max: 30 }), (length) => {
      const block = `10.64.0.0/${length}`;
      const given: string[] = [];
      for (let left = 2 ** (32 - length) - 2; left > 0; left -= 1) given.push(...allocate([block], given));
      expect(new Set(given).size).toBe(given.length);
      expect(given.every((address) => addressInCidr(parseCidr(block), parseAddress(address)))).toBe(true);
      expect(given).not.toEqual(expect.arrayContaining(["10.64.0.0"]));
      expect(given).not.toEqual(expect.arrayContaining(["10.64.0.1"]));
      expect(() => allocate([block], given)).toThrow(`no address is left in ${block}`);
    }),
  );
});
