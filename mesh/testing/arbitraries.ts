import fc from "fast-check";
import type { Address, Cidr } from "../cidr.ts";
import { bitsOf, cidrOf } from "../cidr.ts";
import type { Family } from "../resources.ts";

/** What the property tests of this folder draw from. */

export function addresses(family?: Family): fc.Arbitrary<Address> {
  const families: fc.Arbitrary<Family> = family === undefined ? fc.constantFrom(4, 6) : fc.constant(family);
  return families.chain((of) =>
    fc.bigInt({ min: 0n, max: (1n << BigInt(bitsOf(of))) - 1n }).map((value) => ({ family: of, value })),
  );
}

/** Any CIDR; half of them lie close together, so that overlaps are common. */
export function cidrs(): fc.Arbitrary<Cidr> {
  const anywhere = addresses().chain((address) =>
    fc.nat(bitsOf(address.family)).map((length) => cidrOf(address, length)),
  );
  return fc.oneof(
    anywhere,
    cidrsNear({ family: 4, first: 0x0a000000n, length: 20 }),
    cidrsNear({ family: 6, first: 0xfdn << 120n, length: 56 }),
  );
}

/** CIDRs around `pool`: inside it, beside it, and wider than it. */
export function cidrsNear(pool: Cidr): fc.Arbitrary<Cidr> {
  const bits = bitsOf(pool.family);
  const reach = Math.max(0, pool.length - 2);
  return fc
    .tuple(
      fc.bigInt({ min: 0n, max: (1n << BigInt(bits - reach)) - 1n }),
      fc.integer({ min: reach, max: Math.min(bits, pool.length + 9) }),
    )
    .map(([offset, length]) =>
      cidrOf(
        { family: pool.family, value: cidrOf({ family: pool.family, value: pool.first }, reach).first + offset },
        length,
      ),
    );
}
