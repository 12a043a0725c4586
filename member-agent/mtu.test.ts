import { expect, test } from "@jest/globals";
import type { Family, TunnelKind } from "../mesh/resources.ts";
import { gatewayMtu, remoteMtu, routeMtu, vxlanMtu, wireGuardMtu, wireOf } from "./mtu.ts";
import type { Wire } from "./mtu.ts";

const BOTH: Wire = { mtu: 1500, families: [4, 6] };
const ENDPOINTS: Readonly<Record<Family, string>> = { 4: "192.0.2.1", 6: "2001:db8::1" };

test.each<[TunnelKind, Family, number | undefined, number, number]>([
  ["WireGuard", 4, undefined, 1440, 1440],
  ["WireGuard", 4, 9000, 1440, 1440],
  ["WireGuard", 4, 1500, 1440, 1440],
  // Padded to a multiple of 16 it must still pass: 1420 - 12, and so on.
  ["WireGuard", 4, 1480, 1408, 1408],
  ["WireGuard", 4, 1420, 1360, 1360],
  ["WireGuard", 4, 1400, 1328, 1328],
  ["WireGuard", 4, 1300, 1232, 1280],
  ["WireGuard", 4, 1280, 1216, 1280],
  ["WireGuard", 6, undefined, 1408, 1408],
  ["WireGuard", 6, 9000, 1408, 1408],
  ["WireGuard", 6, 1400, 1312, 1312],
  ["WireGuard", 6, 1280, 1200, 1280],
  ["VXLAN", 4, undefined, 1450, 1450],
  ["VXLAN", 4, 9000, 1450, 1450],
  ["VXLAN", 4, 1400, 1350, 1350],
  ["VXLAN", 4, 1280, 1230, 1280],
  ["VXLAN", 6, undefined, 1430, 1430],
  ["VXLAN", 6, 1400, 1330, 1330],
  ["VXLAN", 6, 1280, 1210, 1280],
])(
  "by %s over IPv%i on a path of %s bytes, packets of IPv4 have at most %i, of IPv6 %i",
  (kind, outer, mtu, four, six) => {
    const of = (inner: Family) => gatewayMtu({ mtu }, { endpoint: ENDPOINTS[outer] }, { kind, inner }, BOTH);
    expect([of(4), of(6)]).toEqual([four, six]);
  },
);

test.each<[string, Wire, number]>([
  ["IPv4", { mtu: 1500, families: [4] }, 1440],
  ["both families", BOTH, 1440],
  ["IPv6", { mtu: 1500, families: [6] }, 1420],
  ["jumbo frames", { mtu: 9000, families: [4] }, 8940],
  ["hardly more than IPv6 needs", { mtu: 1300, families: [4] }, 1280],
])("a WireGuard device on a LAN with %s", (_, wire, expected) => {
  expect(wireGuardMtu(wire)).toBe(expected);
});

test("on a LAN of IPv6 alone the device says it all", () => {
  const wire: Wire = { mtu: 1500, families: [6] };
  expect(gatewayMtu({}, { endpoint: ENDPOINTS[6] }, { kind: "WireGuard", inner: 6 }, wire)).toBe(wireGuardMtu(wire));
});

test("a gateway that dials us may come by IPv6 where there is IPv6", () => {
  expect(gatewayMtu({}, {}, { kind: "WireGuard", inner: 4 }, BOTH)).toBe(1408);
  expect(gatewayMtu({}, {}, { kind: "WireGuard", inner: 4 }, { mtu: 1500, families: [4] })).toBe(1440);
});

test("a VXLAN device has one outer family", () => {
  expect([vxlanMtu(BOTH, 4), vxlanMtu(BOTH, 6)]).toEqual([1450, 1430]);
});

const gateway = (outer: Family) => ({
  name: "g",
  rank: 0,
  endpoint: ENDPOINTS[outer],
  behindNAT: false,
  basePort: 51_820,
  publicKey: "k",
});

test.each<[string, readonly TunnelKind[], readonly Family[], number]>([
  ["gateways of one family", ["WireGuard"], [4, 4], 1440],
  ["gateways of both families", ["WireGuard"], [4, 6], 1408],
  ["both kinds", ["VXLAN", "WireGuard"], [4], 1440],
  ["both of both", ["VXLAN", "WireGuard"], [6, 4], 1408],
  ["VXLAN to both families", ["VXLAN"], [6, 4], 1430],
])("a cluster takes what its narrowest tunnel does: %s", (_, accepts, families, expected) => {
  expect(remoteMtu({ accepts, gateways: families.map(gateway) }, 4, BOTH)).toBe(expected);
});

test.each<[number, readonly number[], number | undefined]>([
  [1440, [1440], undefined],
  [1440, [1500], 1440],
  [1450, [1440], undefined],
  [1450, [1500, 1430], 1430],
  [1400, [1450, 1430], 1400],
  [1440, [1450, 1430], 1430],
])("packets of %i out of devices of %j: a route says %s", (path, devices, expected) => {
  expect(routeMtu(path, devices)).toBe(expected);
});

test("a wire has the families of its addresses", () => {
  const lan = { device: "eth0", mtu: 1500, routerAdvertisements: false };
  expect(wireOf({ ...lan, addresses: ["fd00::1/64", "10.0.0.1/24"] })).toEqual({ mtu: 1500, families: [4, 6] });
  expect(wireOf({ ...lan, addresses: ["fd00::1/64"] })).toEqual({ mtu: 1500, families: [6] });
});
