import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { IPInstance, Subnet, SubnetSpec } from "../../../mesh/ipam/resources.ts";
import { countSupply, supplyOf } from "../../../mesh/ipam/supply.ts";
import { instance, network, subnet } from "../../../mesh/ipam/testing/objects.ts";
import { lastSubnets, networkCounts, subnetCounter } from "./counts.ts";

const changed = (of: Subnet, spec: Partial<SubnetSpec>): Subnet => ({ ...of, spec: { ...of.spec, ...spec } });
const at = (address: string, of: string, creationTimestamp: string, network = "overlay"): IPInstance => {
  const made = instance(address, of, { network });
  return { ...made, metadata: { ...made.metadata, creationTimestamp } };
};

test("with a memory the counts are what they are without, whatever comes and goes", () => {
  const specs = fc.record({
    excludeIPs: fc.subarray(["10.0.0.9", "10.0.0.1-10.0.0.4"]),
    reservedIPs: fc.subarray(["10.0.0.9", "10.0.0.20-10.0.0.22"]),
  });
  const used = fc.subarray(Array.from({ length: 8 }, (_, n) => `10.0.0.${n * 3 + 1}`));
  const passes = fc.array(fc.record({ spec: specs, used, others: fc.subarray(["10.1.0.1", "10.1.0.2"]) }), {
    maxLength: 6,
  });
  fc.assert(
    fc.property(passes, (turns) => {
      const count = subnetCounter();
      for (const turn of turns) {
        const subnets = [changed(subnet("a", "10.0.0.0/27"), turn.spec), subnet("b", "10.1.0.0/28")];
        const instances = [
          ...turn.used.map((address) => instance(address, "a")),
          ...turn.others.map((address) => instance(address, "b")),
        ];
        expect([...count(subnets, instances)]).toEqual([
          ["a", countSupply(supplyOf(subnets[0]?.spec as SubnetSpec), turn.used)],
          ["b", countSupply(supplyOf(subnets[1]?.spec as SubnetSpec), turn.others)],
        ]);
      }
    }),
  );
});

test("what did not change is not counted again: the very same counts", () => {
  const count = subnetCounter();
  const some = (name: string, net: string) => Array.from({ length: 50 }, (_, n) => instance(`${net}.${n + 1}`, name));
  const [a, b] = [subnet("a", "10.0.0.0/24"), subnet("b", "10.1.0.0/24")];
  const before = count([a, b], [...some("a", "10.0.0"), ...some("b", "10.1.0")]);
  const after = count([{ ...a }, b], [...some("a", "10.0.0"), ...some("b", "10.1.0"), instance("10.1.0.99", "b")]);
  expect(after.get("a")).toBe(before.get("a"));
  expect(after.get("b")).toEqual({ total: 254, used: 51, available: 203 });
});

test("a Subnet that can't be read has nothing, and what is used of it is seen all the same", () => {
  const counts = subnetCounter()([subnet("bad", "10.0.0.1/24")], [instance("10.0.0.7", "bad")]);
  expect(counts.get("bad")).toEqual({ total: 0, used: 1, available: 0 });
});

test("a Network has the sums of its Subnets, of the families that it has", () => {
  const subnets = [subnet("a", "10.0.0.0/24"), subnet("b", "10.1.0.0/24"), subnet("c", "fd00::/120")];
  const counts = subnetCounter()(subnets, [instance("10.0.0.7", "a"), instance("fd00::7", "c")]);
  expect(networkCounts(network("overlay"), subnets, counts)).toEqual({
    ipv4: { total: 508, used: 1, available: 507 },
    ipv6: { total: 255, used: 1, available: 254 },
  });
  expect(networkCounts(network("overlay"), subnets.slice(0, 2), counts)).not.toHaveProperty("ipv6");
  expect(networkCounts(network("other"), subnets, counts)).toEqual({});
});

test("the Subnet of a Network's youngest address is its last", () => {
  const instances = [
    at("10.0.0.1", "a", "2026-01-01T00:00:02Z"),
    at("10.1.0.1", "b", "2026-01-01T00:00:03Z"),
    at("10.0.0.2", "a", "2026-01-01T00:00:01Z"),
    at("192.168.1.1", "hall", "2026-01-01T00:00:09Z", "lan"),
  ];
  expect(Object.fromEntries(lastSubnets(instances))).toEqual({ overlay: "b", lan: "hall" });
});
