import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { HIGHEST_NUMBER } from "../../mesh/ledger.ts";
import { MAX_RANKS } from "../../mesh/resources.ts";
import { groupID, tunnelNexthopID, vxlanNexthopID } from "./nexthop-ids.ts";

const number = fc.integer({ min: 1, max: HIGHEST_NUMBER });
const rank = fc.nat(MAX_RANKS - 1);
const family = fc.constantFrom(4 as const, 6 as const);
const mtu = fc.nat(65_535);
const named = fc.oneof(
  fc
    .tuple(fc.constant("tunnel"), rank, family, fc.option(mtu, { nil: undefined }))
    .map(([kind, r, f, m]) => [`${kind} ${r} ${f} ${m}`, tunnelNexthopID(r, f, m)]),
  fc.tuple(fc.constant("group"), number, family).map(([kind, n, f]) => [`${kind} ${n} ${f}`, groupID(n, f)]),
  fc
    .tuple(fc.constant("vxlan"), number, rank, family)
    .map(([kind, n, r, f]) => [`${kind} ${n} ${r} ${f}`, vxlanNexthopID(n, r, f)]),
);

test("no two nexthops have one id, and all fit into 31 bits", () => {
  fc.assert(
    fc.property(named, named, ([one, a], [other, b]) => {
      expect(a === b).toBe(one === other);
      expect(Number(a)).toBeLessThan(2 ** 31);
    }),
  );
  expect(tunnelNexthopID(MAX_RANKS - 1, 6)).toBeLessThan(groupID(1, 4));
  expect(groupID(HIGHEST_NUMBER, 6)).toBeLessThan(vxlanNexthopID(1, 0, 4));
  expect(vxlanNexthopID(HIGHEST_NUMBER, MAX_RANKS - 1, 6)).toBeLessThan(tunnelNexthopID(0, 4, 0));
});
