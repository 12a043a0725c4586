import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { addresses, cidrs } from "./testing/arbitraries.ts";
import { formatAddress, formatCidr, groupsOf } from "./cidr.ts";
import { objectNameOfAddress, objectNameOfCidr, readName, readNodeName } from "./names.ts";

test.each(["a", "east", "east-1", "1", "a".repeat(63)])("%j is a name", (text) => {
  expect(readName(text)).toEqual({ value: text });
});

test.each(["", "*", ">", "a.b", "East", "-a", "a-", "a".repeat(64), "a b", "a\n", "a_b", "é", "a/b", "$KV"])(
  "%j is no name",
  (text) => {
    expect(readName(text).refusal?.code).toBe("bad-name");
  },
);

test("no name holds what NATS or a file system reads into it", () => {
  fc.assert(
    fc.property(fc.string({ unit: fc.constantFrom(..."ab1-*>./ A\n".split("")) }), (text) => {
      expect(readName(text).value ?? "").not.toMatch(/[*>./\sA-Z]/);
    }),
  );
});

test.each([
  ["node-1", true],
  ["ip-10-0-0-1.ec2.internal", true],
  ["node..1", false],
  ["Node", false],
  ["*", false],
  [`${"a".repeat(60)}.`.repeat(5), false],
])("%j is a node name: %s", (text, is) => {
  expect(readNodeName(text).value !== undefined).toBe(is);
});

test.each([
  ["10.1.2.3", "10-1-2-3"],
  ["fd00::1", "fd00-0000-0000-0000-0000-0000-0000-0001"],
])("the object of %s is named %s", (address, name) => {
  expect(objectNameOfAddress(address)).toBe(name);
});

test.each([
  ["10.1.2.0/24", "10-1-2-0-24"],
  ["fd00::/64", "fd00-0000-0000-0000-0000-0000-0000-0000-64"],
])("the object of %s is named %s", (cidr, name) => {
  expect(objectNameOfCidr(cidr)).toBe(name);
});

test("two spellings of one address give one name, and the name is a name", () => {
  fc.assert(
    fc.property(addresses(), (address) => {
      const canonical = formatAddress(address);
      const inFull = address.family === 4 ? canonical : groupsOf(address.value).join(":").toUpperCase();
      expect(objectNameOfAddress(inFull)).toBe(objectNameOfAddress(canonical));
      expect(readName(objectNameOfAddress(canonical)).value).toBeDefined();
    }),
  );
});

test("different CIDRs have different names", () => {
  fc.assert(
    fc.property(cidrs(), cidrs(), (a, b) => {
      expect(objectNameOfCidr(formatCidr(a)) === objectNameOfCidr(formatCidr(b))).toBe(formatCidr(a) === formatCidr(b));
    }),
  );
});
