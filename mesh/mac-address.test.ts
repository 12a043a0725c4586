import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { gatewayMac, linkLocalAddress, nodeMac } from "./mac-address.ts";
import { MAX_RANKS } from "./resources.ts";

const gateways = fc.tuple(fc.integer({ min: 0, max: 0xffff }), fc.integer({ min: 0, max: MAX_RANKS - 1 }));
const offsets = fc.integer({ min: 0, max: 0xff_ff_ff });
const macs = fc.oneof(
  gateways.map(([number, rank]) => gatewayMac(number, rank)),
  offsets.map(nodeMac),
);

test.each([
  [gatewayMac(1, 0), "02:74:67:00:01:00"],
  [gatewayMac(0xfffe, 15), "02:74:67:ff:fe:0f"],
  [nodeMac(0), "02:74:6e:00:00:00"],
  [nodeMac(0x01_02_03), "02:74:6e:01:02:03"],
])("%s is as documented", (mac, expected) => {
  expect(mac).toBe(expected);
});

test("every MAC address is one of a single, locally administered device", () => {
  fc.assert(
    fc.property(macs, (mac) => {
      expect(mac).toMatch(/^[\da-f]{2}(:[\da-f]{2}){5}$/);
      expect(Number.parseInt(mac.slice(0, 2), 16) & 0b11).toBe(0b10);
    }),
  );
});

test("no two gateways have one MAC address, no two nodes, and no gateway that of a node", () => {
  fc.assert(
    fc.property(gateways, gateways, offsets, offsets, (one, other, node, another) => {
      expect(gatewayMac(...one) === gatewayMac(...other)).toBe(one.join() === other.join());
      expect(nodeMac(node) === nodeMac(another)).toBe(node === another);
      expect(gatewayMac(...one)).not.toBe(nodeMac(node));
    }),
  );
});

test.each([
  ["02:74:67:00:01:00", "fe80::74:67ff:fe00:100"],
  ["52:54:00:12:34:56", "fe80::5054:ff:fe12:3456"],
])("the link-local address of %s is %s", (mac, expected) => {
  expect(linkLocalAddress(mac)).toBe(expected);
});

test("no two MAC addresses have one link-local address", () => {
  fc.assert(
    fc.property(macs, macs, (one, other) => {
      expect(linkLocalAddress(one) === linkLocalAddress(other)).toBe(one === other);
    }),
  );
});

test.each<[string, () => string]>([
  ["a cluster number of 17 bits", () => gatewayMac(0x1_00_00, 0)],
  ["a rank that is none", () => gatewayMac(1, MAX_RANKS)],
  ["a number that is not whole", () => gatewayMac(1.5, 0)],
  ["an offset of 25 bits", () => nodeMac(0x1_00_00_00)],
  ["an offset before the prefix", () => nodeMac(-1)],
  ["a MAC address cut short", () => linkLocalAddress("02:74:67:00:01")],
])("%s is refused", (_what, make) => {
  expect(make).toThrow(RangeError);
});
