import type { Cidr } from "./cidr.ts";
import { bitsOf, compareCidrs, overlaps, sizeOf } from "./cidr.ts";

/**
 * Cutting blocks out of a range, whatever else is in it. Work grows with the occupied ranges, never with the size of
 * the pool.
 */

/** Addresses from `start` up to, not including, `end`. */
interface Gap {
  readonly start: bigint;
  readonly end: bigint;
}

/**
 * A free block of `length` inside `pool`: cut from the smallest free block that fits, so that large ones stay whole;
 * of equals, the first. `occupied` may overlap itself and reach beyond the pool. Undefined when nothing fits.
 */
export function allocateBlock(pool: Cidr, occupied: readonly Cidr[], length: number): Cidr | undefined {
  let best: Cidr | undefined;
  for (const gap of gapsIn(pool, occupied)) {
    for (const block of wholeBlocks(pool, gap, length)) {
      if (best === undefined || block.length > best.length) {
        best = block;
      }
    }
    if (best?.length === length) {
      break; // No other can be smaller, and none comes before it.
    }
  }
  return best && { ...best, length };
}

/** Counted in blocks of one length, capped at what a number holds exactly. */
export interface BlockCounts {
  readonly total: number;
  /** Blocks in which anything is occupied. */
  readonly allocated: number;
  readonly free: number;
}

export function countBlocks(pool: Cidr, occupied: readonly Cidr[], length: number): BlockCounts {
  const size = blockSize(pool, length);
  const total = sizeOf(pool) / size;
  let free = 0n;
  for (const gap of gapsIn(pool, occupied)) {
    const { start, end } = aligned(gap, size);
    free += end > start ? (end - start) / size : 0n;
  }
  return { total: capped(total), allocated: capped(total - free), free: capped(free) };
}

function* gapsIn(pool: Cidr, occupied: readonly Cidr[]): Generator<Gap> {
  const end = pool.first + sizeOf(pool);
  let start = pool.first;
  for (const cidr of occupied.filter((other) => overlaps(other, pool)).toSorted(compareCidrs)) {
    if (cidr.first > start) {
      yield { start, end: cidr.first };
    }
    const after = cidr.first + sizeOf(cidr);
    if (after > start) {
      start = after;
    }
  }
  if (end > start) {
    yield { start, end };
  }
}

/**
 * The fewest CIDRs that fill a gap, in order, without those too small for `length`: the free blocks of a buddy
 * allocator.
 */
function* wholeBlocks(pool: Cidr, gap: Gap, length: number): Generator<Cidr> {
  const { start, end } = aligned(gap, blockSize(pool, length));
  let first = start;
  while (first < end) {
    let grown = length;
    while (grown > pool.length && fits(first, blockSize(pool, grown - 1), end)) {
      grown -= 1;
    }
    yield { family: pool.family, first, length: grown };
    first += blockSize(pool, grown);
  }
}

function fits(first: bigint, size: bigint, end: bigint): boolean {
  return (first & (size - 1n)) === 0n && first + size <= end;
}

function aligned({ start, end }: Gap, size: bigint): Gap {
  return { start: (start + size - 1n) & -size, end: end & -size };
}

function blockSize(pool: Cidr, length: number): bigint {
  return 1n << BigInt(bitsOf(pool.family) - length);
}

function capped(count: bigint): number {
  return Number(count < BigInt(Number.MAX_SAFE_INTEGER) ? count : BigInt(Number.MAX_SAFE_INTEGER));
}
