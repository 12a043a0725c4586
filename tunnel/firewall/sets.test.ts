import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { contains, formatCidr, overlaps, parseCidr, sizeOf } from "../../mesh/cidr.ts";
import { cidrs } from "../../mesh/testing/arbitraries.ts";
import { firewall } from "../testing/firewalls.ts";
import type { Firewall } from "../state.ts";
import type { Json } from "./expressions.ts";
import { merged, setsOf } from "./sets.ts";

test.each([
  [[], []],
  [["10.2.0.0/16", "10.2.7.0/24", "10.2.0.0/16"], ["10.2.0.0/16"]],
  [
    ["10.2.7.0/24", "10.2.0.0/16", "10.1.0.0/16"],
    ["10.1.0.0/16", "10.2.0.0/16"],
  ],
  [["10.3.0.0/24", "10.3.1.0/24"], ["10.3.0.0/23"]],
  [["10.3.3.0/24", "10.3.0.0/24", "10.3.2.0/24", "10.3.1.0/24"], ["10.3.0.0/22"]],
  [["fd65::/32", "fd65:0:1::/48"], ["fd65::/32"]],
  [
    ["0.0.0.0/1", "128.0.0.0/1"],
    ["0.0.0.0/1", "128.0.0.0/1"],
  ],
])("%j in as few CIDRs as can be is %j", (given, expected) => {
  expect(merged(given)).toEqual(expected);
});

test("merging loses no address and adds none, nothing overlaps, and there is nothing left to merge", () => {
  fc.assert(
    fc.property(fc.array(cidrs(), { maxLength: 12 }), (list) => {
      const texts = merged(list.map(formatCidr));
      const kept = texts.map(parseCidr);
      expect(list.every((cidr) => kept.some((outer) => contains(outer, cidr)))).toBe(true);
      expect(kept.some((a) => kept.some((b) => a !== b && overlaps(a, b)))).toBe(false);
      const sizes = (of: typeof kept) => of.reduce((sum, cidr) => sum + sizeOf(cidr), 0n);
      const outermost = list.filter(
        (cidr, index) => !list.some((other, at) => contains(other, cidr) && (!contains(cidr, other) || at < index)),
      );
      expect(sizes(kept)).toBe(sizes(outermost));
      expect(merged(texts)).toEqual(texts);
    }),
  );
});

test.each<[string, Partial<Firewall>, string, readonly Json[]]>([
  ["prefixes by family", { remotePrefixes: ["10.2.0.0/16", "fd65:2::/48"] }, "remote4", [prefix("10.2.0.0", 16)]],
  ["prefixes by family", { remotePrefixes: ["10.2.0.0/16", "fd65:2::/48"] }, "remote6", [prefix("fd65:2::", 48)]],
  ["addresses as themselves", { localAddresses: ["10.1.255.1", "fd65:1::1"] }, "own4", ["10.1.255.1"]],
  ["addresses as themselves", { localAddresses: ["10.1.255.1", "fd65:1::1"] }, "own6", ["fd65:1::1"]],
  [
    "VXLAN endpoints by port",
    {
      vxlanEndpoints: [
        { port: 7076, addresses: ["192.0.2.1", "2001:db8::1"] },
        { port: 7077, addresses: ["192.0.2.1"] },
      ],
    },
    "outer4",
    [{ concat: ["192.0.2.1", 7076] }, { concat: ["192.0.2.1", 7077] }],
  ],
  [
    "VXLAN sources by MAC address, whatever lies inside another left out",
    {
      vxlanSources: [
        { mac: "02:00:00:00:02:00", prefixes: ["10.2.0.0/16", "fd65:2::/48"] },
        { mac: "02:00:00:00:02:00", prefixes: ["10.2.3.0/24", "192.0.2.77/32"] },
      ],
    },
    "inner4",
    [{ concat: ["02:00:00:00:02:00", prefix("10.2.0.0", 16)] }, { concat: ["02:00:00:00:02:00", "192.0.2.77"] }],
  ],
  ["open ports by protocol", { openPorts: [{ protocol: "tcp", port: 22 }] }, "open", [{ concat: ["tcp", 22] }]],
])("a set holds %s", (_what, given, name, elements) => {
  const set = setsOf(firewall(given)).find((one) => one.name === name);
  expect([...(set?.elements.values() ?? [])]).toEqual(elements);
});

function prefix(addr: string, len: number): Json {
  return { prefix: { addr, len } };
}
