import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { cidrs } from "./testing/arbitraries.ts";
import { formatCidr } from "./cidr.ts";
import { readAddress, readCidr } from "./typed-cidr.ts";

test.each([
  ["10.1.0.0/16", "10.1.0.0/16"],
  ["  10.1.0.0/16\n", "10.1.0.0/16"],
  ["FD00:0:0:0::/64", "fd00::/64"],
  ["0.0.0.0/0", "0.0.0.0/0"],
  ["::/0", "::/0"],
  ["10.0.0.1/32", "10.0.0.1/32"],
])("%j is read as %s", (typed, canonical) => {
  const { value } = readCidr(typed);
  expect(value && formatCidr(value)).toBe(canonical);
});

test.each([
  ["10.1.0.5/16", "host-bits-set", "10.1.0.5/16 has host bits set; did you mean 10.1.0.0/16?"],
  ["FD00::1/64", "host-bits-set", "fd00::1/64 has host bits set; did you mean fd00::/64?"],
  ["10.1.0.0", "bad-cidr", "10.1.0.0 has no prefix length; write 10.1.0.0/32 for the one address"],
  ["fd00::1", "bad-cidr", "fd00::1 has no prefix length; write fd00::1/128 for the one address"],
  ["", "bad-cidr", '"" is not a CIDR; write it as 10.1.0.0/16 or fd00:1::/48'],
  ["10.1/16", "bad-cidr", undefined],
  ["010.1.0.0/16", "bad-cidr", undefined],
  ["0x0a.0.0.0/8", "bad-cidr", undefined],
  ["10.0.0.0/08", "bad-cidr", undefined],
  ["10.0.0.0/33", "bad-cidr", undefined],
  ["10.0.0.0/-1", "bad-cidr", undefined],
  ["10.0.0.0/8/8", "bad-cidr", undefined],
  ["10.0.0.0 /8", "bad-cidr", undefined],
  ["10.0.0.0/8,10.1.0.0/16", "bad-cidr", undefined],
  ["fd00::/129", "bad-cidr", undefined],
  ["[fd00::]/64", "bad-cidr", undefined],
  ["fe80::%eth0/64", "bad-cidr", undefined],
  ["fd00::/64%eth0", "bad-cidr", undefined],
  ["::ffff:10.0.0.0/104", "bad-cidr", undefined],
  ["::ffff:a00:0/104", "bad-cidr", '"::ffff:a00:0/104" is IPv4 mapped into IPv6; write the IPv4 range itself'],
  ["x".repeat(10_000), "bad-cidr", undefined],
])("%j is refused as %s", (typed, code, message) => {
  const { refusal } = readCidr(typed);
  expect(refusal?.code).toBe(code);
  expect(refusal?.message).toBe(message ?? refusal?.message);
  expect(refusal?.message.length).toBeLessThan(200);
});

test("any text is either read or refused", () => {
  const alphabet = fc.string({ unit: fc.constantFrom(..."0123456789abcdefF:./% -".split("")) });
  fc.assert(
    fc.property(fc.oneof(fc.string(), alphabet), (text) => {
      const { value, refusal } = readCidr(text);
      expect(value === undefined).toBe(refusal !== undefined);
      expect(readAddress(text)).toBeDefined();
    }),
    { numRuns: 2000 },
  );
});

test("what we write ourselves is read back", () => {
  fc.assert(fc.property(cidrs(), (cidr) => expect(readCidr(formatCidr(cidr)).value).toEqual(cidr)));
});

test.each([
  ["10.1.2.3", "10.1.2.3"],
  [" FD00::0:1 ", "fd00::1"],
])("the address %j is read as %s", (typed, canonical) => {
  expect(readAddress(typed).value).toBe(canonical);
});

test.each(["10.1.2", "10.1.2.3/32", "fe80::1%eth0", "::ffff:10.0.0.1", "east", ""])(
  "%j is refused as an address",
  (typed) => {
    expect(readAddress(typed).refusal?.code).toBe("bad-address");
  },
);
