import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Cidr } from "./cidr.ts";
import { contains, formatCidr, overlaps, parseCidr } from "./cidr.ts";
import { allocateBlock, countBlocks } from "./pool-allocation.ts";
import { cidrsNear } from "./testing/arbitraries.ts";

const text = (cidr: Cidr | undefined) => cidr && formatCidr(cidr);

test.each([
  ["an empty pool gives its first block", "10.0.0.0/8", [], 16, "10.0.0.0/16"],
  ["a block may be the whole pool", "10.0.0.0/16", [], 16, "10.0.0.0/16"],
  ["the next is the one after", "10.0.0.0/8", ["10.0.0.0/16"], 16, "10.1.0.0/16"],
  ["a released hole is filled first", "10.0.0.0/8", ["10.0.0.0/16", "10.2.0.0/16"], 16, "10.1.0.0/16"],
  [
    "the smallest hole that fits is taken, though a larger one comes first",
    "10.0.0.0/8",
    ["10.64.0.0/10", "10.128.0.0/16"],
    16,
    "10.129.0.0/16",
  ],
  [
    "what is occupied beyond the pool does not matter",
    "10.1.0.0/16",
    ["10.0.0.0/16", "10.2.0.0/15", "fd00::/8"],
    17,
    "10.1.0.0/17",
  ],
  ["a wider range over the pool leaves nothing", "10.1.0.0/16", ["10.0.0.0/8"], 24, undefined],
  ["a hole too small is passed over", "10.0.0.0/16", ["10.0.0.0/24", "10.0.2.0/23", "10.0.4.0/22"], 22, "10.0.8.0/22"],
  ["a full pool gives nothing", "10.0.0.0/16", ["10.0.0.0/17", "10.0.128.0/17"], 24, undefined],
  ["a block wider than the pool does not fit", "10.0.0.0/16", [], 15, undefined],
  ["IPv6 alike", "fd00::/32", ["fd00::/64", "fd00:0:0:2::/63"], 64, "fd00:0:0:1::/64"],
])("%s", (_, pool, occupied, length, expected) => {
  expect(text(allocateBlock(parseCidr(pool), occupied.map(parseCidr), length))).toBe(expected);
});

/** All free blocks of every length, found the slow way: halves of the pool that nothing overlaps, down to `length`. */
function freeBlocks(pool: Cidr, occupied: readonly Cidr[], length: number): Cidr[] {
  const inside = occupied.filter((cidr) => overlaps(cidr, pool));
  if (inside.length === 0) {
    return [pool];
  }
  if (pool.length >= length || inside.some((cidr) => contains(cidr, pool))) {
    return [];
  }
  return halves(pool).flatMap((half) => freeBlocks(half, inside, length));
}

function halves(cidr: Cidr): Cidr[] {
  const length = cidr.length + 1;
  const half = 1n << BigInt((cidr.family === 4 ? 32 : 128) - length);
  return [
    { ...cidr, length },
    { ...cidr, first: cidr.first + half, length },
  ];
}

const pools = ["10.0.0.0/20", "fd00::/56", "0.0.0.0/0", "::/0"].map(parseCidr);
const cases = fc
  .constantFrom(...pools)
  .chain((pool) =>
    fc.record({ pool: fc.constant(pool), occupied: fc.array(cidrsNear(pool), { maxLength: 12 }), more: fc.nat(9) }),
  );

test("a block is free, inside its pool, from the smallest that fits, and the first of those", () => {
  fc.assert(
    fc.property(cases, ({ pool, occupied, more }) => {
      const length = pool.length + more;
      const free = freeBlocks(pool, occupied, length);
      const longest = Math.max(...free.map((block) => block.length));
      const smallest = free.find((block) => block.length === longest);
      expect(allocateBlock(pool, occupied, length)).toEqual(smallest && { ...smallest, length });
    }),
    { numRuns: 500 },
  );
});

test("counts are those of allocating until nothing is left", () => {
  fc.assert(
    fc.property(cases, ({ pool, occupied, more }) => {
      const length = pool.length + Math.min(more, 6);
      const counts = countBlocks(pool, occupied, length);
      expect(counts.total).toBe(2 ** (length - pool.length));
      expect(counts.allocated + counts.free).toBe(counts.total);
      const taken = [...occupied];
      for (let block; (block = allocateBlock(pool, taken, length));) {
        taken.push(block);
      }
      expect(taken.length - occupied.length).toBe(counts.free);
    }),
  );
});

test("a pool with more blocks than a number can count is counted as far as numbers go", () => {
  expect(countBlocks(parseCidr("fd00::/16"), [parseCidr("fd00::/122")], 122)).toEqual({
    total: Number.MAX_SAFE_INTEGER,
    allocated: 1,
    free: Number.MAX_SAFE_INTEGER,
  });
});

test("a huge pool is not walked block by block", () => {
  const pool = parseCidr("fd00::/16");
  const occupied = Array.from({ length: 10_000 }, (_, n) => ({
    ...pool,
    first: pool.first + (BigInt(2 * n) << 64n),
    length: 64,
  }));
  const start = performance.now();
  expect(text(allocateBlock(pool, occupied, 64))).toBe("fd00:0:0:1::/64");
  expect(countBlocks(pool, occupied, 64).allocated).toBe(10_000);
  expect(performance.now() - start).toBeLessThan(20_000); // milliseconds; the pool has 2 to the 48th blocks
});
