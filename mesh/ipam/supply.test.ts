import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { formatAddress } from "../cidr.ts";
import type { SubnetSpec } from "./resources.ts";
import { countSupply, supplyOf } from "./supply.ts";
import { subnetSpec } from "./testing/objects.ts";

const count = (cidr: string, spec: Partial<SubnetSpec> = {}, used: readonly string[] = []) =>
  countSupply(supplyOf(subnetSpec(cidr, spec)), used);

test("a /16 with a gateway has 65533 addresses, and two pods use two of them", () => {
  expect(count("10.64.0.0/16", { gateway: "10.64.0.1" })).toEqual({ total: 65_533, used: 0, available: 65_533 });
  const used = ["10.64.0.2", "10.64.7.9"];
  expect(count("10.64.0.0/16", { gateway: "10.64.0.1" }, used)).toEqual({ total: 65_533, used: 2, available: 65_531 });
});

test.each<[string, string, Partial<SubnetSpec>, number]>([
  ["IPv6: the first address is every router's", "fd00::/112", {}, 65_535],
  ["a range has neither end of the CIDR", "10.0.0.0/24", { range: { start: "10.0.0.10", end: "10.0.0.19" } }, 10],
  ["a range from the first address", "10.0.0.0/24", { range: { start: "10.0.0.0", end: "10.0.0.9" } }, 9],
  ["what is excluded twice is missing once", "10.0.0.0/29", { excludeIPs: ["10.0.0.2", "10.0.0.1-10.0.0.2"] }, 4],
  [
    "what is excluded outside the range is not missing",
    "10.0.0.0/28",
    {
      range: { start: "10.0.0.4", end: "10.0.0.7" },
      excludeIPs: ["10.0.0.1-10.0.0.4", "10.0.0.9"],
    },
    3,
  ],
  ["a link-local gateway takes nothing", "10.0.0.0/29", { gateway: "169.254.1.1" }, 6],
])("total: %s", (_, cidr, spec, total) => {
  expect(count(cidr, spec).total).toBe(total);
});

test("a reserved address is not available until somebody who named it has it, and then it is used", () => {
  const spec = { reservedIPs: ["10.0.0.1-10.0.0.2"] };
  expect(count("10.0.0.0/29", spec)).toEqual({ total: 6, used: 0, available: 4 });
  expect(count("10.0.0.0/29", spec, ["10.0.0.1"])).toEqual({ total: 6, used: 1, available: 4 });
  expect(count("10.0.0.0/29", spec, ["10.0.0.5"])).toEqual({ total: 6, used: 1, available: 3 });
});

test("an address is free, or reserved, or neither, as a walk through the texts says", () => {
  const some = (): fc.Arbitrary<string[]> =>
    fc.array(
      fc.nat(255).map((last) => `10.0.0.${last}`),
      { maxLength: 6 },
    );
  fc.assert(
    fc.property(some(), some(), fc.nat(255), (excludeIPs, reservedIPs, gateway) => {
      const supply = supplyOf(subnetSpec("10.0.0.0/24", { excludeIPs, reservedIPs, gateway: `10.0.0.${gateway}` }));
      const never = new Set([...excludeIPs, `10.0.0.${gateway}`, "10.0.0.0", "10.0.0.255"]);
      const places = Array.from({ length: 256 }, (_, place) => place);
      const addressOf = (place: number) => formatAddress({ family: 4, value: supply.span.first + BigInt(place) });
      const usable = places.filter((place) => !never.has(addressOf(place)));
      expect(places.filter(supply.isUsable)).toEqual(usable);
      expect(places.filter(supply.isFree)).toEqual(usable.filter((place) => !reservedIPs.includes(addressOf(place))));
    }),
  );
});
