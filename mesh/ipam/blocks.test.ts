import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { overlaps, parseCidr } from "../cidr.ts";
import type { Cidr } from "../cidr.ts";
import { blockLengthOf, isBlockOf, lowestFreeBlockOf } from "./blocks.ts";
import { subnetSpec } from "./testing/objects.ts";

test.each([
  ["10.0.0.0/16", undefined, 24],
  ["10.0.0.0/28", undefined, 30],
  ["10.0.0.0/30", undefined, 30],
  ["10.0.0.0/26", undefined, 30],
  ["10.0.0.0/22", undefined, 26],
  ["10.0.0.0/20", undefined, 24],
  ["fd00::/118", undefined, 122],
  ["fd00::/56", undefined, 120],
  ["10.0.0.0/16", 28, 28],
])("nodes claim of %s with block size %p blocks of length %i", (cidr, blockSize, length) => {
  expect(blockLengthOf(subnetSpec(cidr, blockSize === undefined ? {} : { blockSize }))).toBe(length);
});

test("blocks are claimed from the start of the range, and the last may reach beyond its end", () => {
  const spec = subnetSpec("10.0.0.0/16", { blockSize: 28, range: { start: "10.0.1.20", end: "10.0.1.36" } });
  expect(lowestFreeBlockOf(spec, [])).toBe("10.0.1.16/28");
  expect(lowestFreeBlockOf(spec, [parseCidr("10.0.1.16/28")])).toBe("10.0.1.32/28");
  expect(lowestFreeBlockOf(spec, ["10.0.1.16/28", "10.0.1.32/28"].map(parseCidr))).toBeUndefined();
});

test("a block is of every Subnet whose range it touches", () => {
  const range = { start: "10.0.0.8", end: "10.0.0.20" };
  expect(isBlockOf(parseCidr("10.0.0.16/28"), subnetSpec("10.0.0.0/24", { range }))).toBe(true);
  expect(isBlockOf(parseCidr("10.0.0.32/28"), subnetSpec("10.0.0.0/24", { range }))).toBe(false);
  expect(isBlockOf(parseCidr("10.0.0.16/28"), subnetSpec("10.0.1.0/24"))).toBe(false);
});

test("a block of more addresses than a node keeps track of is of no Subnet", () => {
  const spec = subnetSpec("fd00::/64", { range: { start: "fd00::", end: "fd00::ffff" } });
  expect(isBlockOf(parseCidr("fd00::/112"), spec)).toBe(true);
  expect(isBlockOf(parseCidr("fd00::/111"), spec)).toBe(false);
});

test("claimed one after the other, whatever others own, blocks never overlap and fill the Subnet", () => {
  const others = fc.array(fc.tuple(fc.nat(255), fc.integer({ min: 25, max: 30 })), { maxLength: 6 });
  fc.assert(
    fc.property(others, fc.integer({ min: 26, max: 30 }), (foreign, blockSize) => {
      const owned = foreign.map(([at, length]): Cidr => {
        const first = BigInt(at) & -(1n << BigInt(32 - length));
        return { family: 4, first: parseCidr("10.0.0.0/24").first + first, length };
      });
      const spec = subnetSpec("10.0.0.0/24", { blockSize });
      const before = owned.length;
      for (let next = lowestFreeBlockOf(spec, owned); next !== undefined; next = lowestFreeBlockOf(spec, owned)) {
        const block = parseCidr(next);
        expect(owned.filter((each) => overlaps(each, block))).toEqual([]);
        owned.push(block);
      }
      const size = 2 ** (32 - blockSize);
      const touched = new Set<number>();
      for (let place = 0; place < 256; place += size) {
        const block: Cidr = { family: 4, first: parseCidr("10.0.0.0/24").first + BigInt(place), length: blockSize };
        if (owned.slice(0, before).some((each) => overlaps(each, block))) touched.add(place);
      }
      expect(owned.length - before).toBe(256 / size - touched.size);
    }),
  );
});
