import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Family } from "../../mesh/resources.ts";
import { lanAddresses, onLan, outerFamily } from "./adjacency.ts";

const lan = (...texts: string[]) => lanAddresses(texts);

test.each<[string, readonly string[], readonly string[], Family, ReturnType<typeof onLan>]>([
  ["one subnet", ["10.0.0.1/24"], ["10.0.0.2/24"], 4, { via: "10.0.0.2", onlink: false }],
  ["two subnets", ["10.0.0.1/24"], ["10.0.1.2/24"], 4, undefined],
  ["only our prefix holds theirs", ["10.0.0.1/24"], ["10.0.0.2/32"], 4, { via: "10.0.0.2", onlink: false }],
  ["only their prefix holds ours", ["10.0.0.1/32"], ["10.0.0.2/24"], 4, { via: "10.0.0.2", onlink: true }],
  ["neither holds the other", ["10.0.0.1/32"], ["10.0.0.2/32"], 4, undefined],
  ["any of their addresses", ["10.0.0.1/24"], ["10.9.0.2/24", "10.0.0.2/24"], 4, { via: "10.0.0.2", onlink: false }],
  ["any of ours", ["10.9.0.1/24", "10.0.0.1/24"], ["10.0.0.2/24"], 4, { via: "10.0.0.2", onlink: false }],
  ["not in the other family", ["10.0.0.1/24", "fd00::1/64"], ["10.0.0.2/24", "fd01::2/64"], 6, undefined],
  ["IPv6", ["fd00::1/64"], ["fd00::2/64"], 6, { via: "fd00::2", onlink: false }],
])("on one LAN: %s", (_, ours, theirs, family, expected) => {
  expect(onLan(lan(...ours), lan(...theirs), family)).toEqual(expected);
});

test.each<[string, readonly string[], readonly string[], Family | undefined]>([
  ["IPv4 where both have both", ["10.0.0.1/24", "fd00::1/64"], ["10.0.1.2/24", "fd01::2/64"], 4],
  ["the family of their LAN before", ["10.0.0.1/24", "fd00::1/64"], ["10.0.1.2/24", "fd00::2/64"], 6],
  ["the only one in common", ["10.0.0.1/24", "fd00::1/64"], ["fd01::2/64"], 6],
  ["none", ["10.0.0.1/24"], ["fd01::2/64"], undefined],
])("outer family: %s", (_, ours, theirs, expected) => {
  expect(outerFamily(lan(...ours), lan(...theirs))).toBe(expected);
});

test("both sides see it alike", () => {
  const address = fc
    .tuple(fc.nat(2), fc.nat(3), fc.constantFrom(16, 24, 32))
    .map(([net, host, length]) => `10.${net}.0.${host + 1}/${length}`);
  const address6 = fc
    .tuple(fc.nat(2), fc.nat(3), fc.constantFrom(48, 64, 128))
    .map(([net, host, length]) => `fd00:0:${net}::${host + 1}/${length}`);
  const side = fc.array(fc.oneof(address, address6), { maxLength: 3 }).map((texts) => lan(...texts));
  fc.assert(
    fc.property(side, side, (a, b) => {
      expect(outerFamily(a, b)).toBe(outerFamily(b, a));
      for (const family of [4, 6] as const) {
        expect(onLan(a, b, family) === undefined).toBe(onLan(b, a, family) === undefined);
      }
    }),
  );
});
