import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { addressInCidr, formatAddress, parseAddress, parseCidr } from "../cidr.ts";
import { podRanges } from "./ranges.ts";
import type { SubnetSpec } from "./resources.ts";

type Given = Parameters<typeof podRanges>[0];
const subnet = (cidr: string, given: Partial<SubnetSpec> = {}): Given => ({ cidr, excludeIPs: [], ...given });
const v4 = (value: number): string => formatAddress({ family: 4, value: BigInt(value) });

test.each<[string, Given, readonly string[]]>([
  ["all of a CIDR", subnet("10.64.0.0/16"), ["10.64.0.0/16"]],
  ["all but the router", subnet("10.0.0.0/29", { gateway: "10.0.0.1" }), ["10.0.0.0/32", "10.0.0.2/31", "10.0.0.4/30"]],
  ["a link-local router is in nobody's way", subnet("fd00::/120", { gateway: "fe80::1" }), ["fd00::/120"]],
  [
    "a range that begins and ends anywhere",
    subnet("10.0.0.0/24", { range: { start: "10.0.0.7", end: "10.0.0.18" } }),
    ["10.0.0.7/32", "10.0.0.8/29", "10.0.0.16/31", "10.0.0.18/32"],
  ],
  [
    "what is left beside the excluded ones",
    subnet("10.0.0.0/24", {
      excludeIPs: ["10.0.0.0-10.0.0.127", "10.0.0.255"],
      range: { start: "10.0.0.64", end: "10.0.0.255" },
    }),
    [
      "10.0.0.128/26",
      "10.0.0.192/27",
      "10.0.0.224/28",
      "10.0.0.240/29",
      "10.0.0.248/30",
      "10.0.0.252/31",
      "10.0.0.254/32",
    ],
  ],
  ["nothing, when all is excluded", subnet("10.0.0.0/30", { excludeIPs: ["10.0.0.0-10.0.0.3"] }), []],
])("%s", (_what, given, cidrs) => {
  expect(podRanges(given)).toEqual(cidrs);
});

test("an address is in exactly one of the ranges, or it is out of range, the gateway or excluded", () => {
  const offset = fc.nat(63);
  const spans = fc.tuple(offset, offset).map((pair) => pair.toSorted((a, b) => a - b) as [number, number]);
  fc.assert(
    fc.property(spans, fc.array(spans, { maxLength: 4 }), offset, ([start, end], holes, gateway) => {
      const base = Number(parseAddress("10.0.0.0").value);
      const given = subnet("10.0.0.0/26", {
        range: { start: v4(base + start), end: v4(base + end) },
        excludeIPs: holes.map(([first, last]) =>
          first === last ? v4(base + first) : `${v4(base + first)}-${v4(base + last)}`,
        ),
        gateway: v4(base + gateway),
      });
      const ranges = podRanges(given).map(parseCidr);
      for (let at = 0; at < 64; at += 1) {
        const holders = ranges.filter((range) => addressInCidr(range, parseAddress(v4(base + at))));
        const isOut =
          at < start || at > end || at === gateway || holes.some(([first, last]) => first <= at && at <= last);
        expect({ at, holders: holders.length }).toEqual({ at, holders: isOut ? 0 : 1 });
      }
    }),
  );
});
