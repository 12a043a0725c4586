import { isIP } from "node:net";
import { expect, test } from "@jest/globals";
import fc from "fast-check";
import {
  addressInCidr,
  addressPart,
  bitsOf,
  cidrOf,
  compareCidrs,
  contains,
  formatAddress,
  formatCidr,
  nthAddress,
  overlaps,
  parseAddress,
  parseCidr,
  parseInterfaceAddress,
  sizeOf,
} from "./cidr.ts";
import { addresses, cidrs } from "./testing/arbitraries.ts";

test.each([
  ["10.1.2.3", "10.1.2.3"],
  ["255.255.255.255", "255.255.255.255"],
  ["0:0:0:0:0:0:0:0", "::"],
  ["FD00:0:0:1::", "fd00:0:0:1::"],
  ["2001:DB8:0:0:1:0:0:1", "2001:db8::1:0:0:1"],
  ["2001:db8:0:1:1:1:1:1", "2001:db8:0:1:1:1:1:1"],
  ["0001::", "1::"],
  ["::1", "::1"],
  ["1:0:0:2:0:0:0:3", "1:0:0:2::3"],
])("%s is written %s", (text, canonical) => {
  expect(formatAddress(parseAddress(text))).toBe(canonical);
});

test.each([
  "",
  "10.1.2",
  "10.1.2.256",
  "010.1.2.3",
  "1.2.3.4.5",
  "::1::",
  ":::",
  "1:2:3:4:5:6:7",
  "1:2:3:4:5:6:7::8",
  "g::",
  "12345::",
  "::ffff:1.2.3.4",
])("%j is no address", (text) => {
  expect(() => parseAddress(text)).toThrow(RangeError);
});

test.each([
  "10.0.0.0",
  "10.0.0.0/",
  "10.0.0.0/33",
  "10.0.0.0/08",
  "fd00::/129",
  "10.0.0.1/8",
  "fd00::1/64",
  "10.0.0.0/8/8",
])("%j is no CIDR", (text) => {
  expect(() => parseCidr(text)).toThrow(RangeError);
});

test.each([
  ["10.1.2.3/24", "10.1.2.3", "10.1.2.0/24"],
  ["10.1.2.3/32", "10.1.2.3", "10.1.2.3/32"],
  ["fd00:1::a/64", "fd00:1::a", "fd00:1::/64"],
])("an interface with %s has %s in %s", (text, address, subnet) => {
  const read = parseInterfaceAddress(text);
  expect([formatAddress(read.address), formatCidr(read.subnet)]).toEqual([address, subnet]);
  expect(addressPart(text)).toBe(address);
});

test.each(["10.1.2.3", "10.1.2.3/33", "10.1.2.3/", "10.1.2/24"])("%j is no interface's address", (text) => {
  expect(() => parseInterfaceAddress(text)).toThrow(RangeError);
});

test("reading what was written gives the same back", () => {
  fc.assert(
    fc.property(addresses(), cidrs(), (address, cidr) => {
      const text = formatAddress(address);
      expect(isIP(text)).toBe(address.family);
      expect(parseAddress(text)).toEqual(address);
      expect(parseCidr(formatCidr(cidr))).toEqual(cidr);
    }),
  );
});

test("two CIDRs overlap exactly when one contains the other", () => {
  fc.assert(
    fc.property(cidrs(), cidrs(), (a, b) => {
      expect(overlaps(a, b)).toBe(contains(a, b) || contains(b, a));
      expect(overlaps(a, b)).toBe(addressInCidr(a, nthAddress(b, 0)) || addressInCidr(b, nthAddress(a, 0)));
    }),
  );
});

test("a CIDR holds its first and last address and not their neighbours", () => {
  fc.assert(
    fc.property(cidrs(), (cidr) => {
      const { family, first } = cidr;
      const last = nthAddress(cidr, sizeOf(cidr) - 1n).value;
      const holds = (value: bigint) => addressInCidr(cidr, { family, value });
      expect([holds(first), holds(last)]).toEqual([true, true]);
      expect([first - 1n, last + 1n].filter((value) => value >= 0n && holds(value))).toEqual([]);
      expect(() => nthAddress(cidr, sizeOf(cidr))).toThrow(RangeError);
    }),
  );
});

test("an address lies in the CIDR made of it, whatever the length", () => {
  fc.assert(
    fc.property(addresses(), fc.nat(128), (address, n) => {
      expect(addressInCidr(cidrOf(address, n % (bitsOf(address.family) + 1)), address)).toBe(true);
    }),
  );
});

test("the order of CIDRs is total and puts the wider first", () => {
  expect(
    ["fd00::/8", "10.0.0.0/16", "10.0.0.0/8", "9.0.0.0/8"].map(parseCidr).toSorted(compareCidrs).map(formatCidr),
  ).toEqual(["9.0.0.0/8", "10.0.0.0/8", "10.0.0.0/16", "fd00::/8"]);
  fc.assert(
    fc.property(cidrs(), cidrs(), (a, b) =>
      expect(Math.sign(compareCidrs(a, b))).toBe(-Math.sign(compareCidrs(b, a)) + 0),
    ),
  );
});
