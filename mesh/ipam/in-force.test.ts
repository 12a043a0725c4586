import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { subnetAmong } from "./among.ts";
import { inForce, networkFaults, subnetFaults, subnetsInForce } from "./in-force.ts";
import type { Network, Subnet, SubnetSpec } from "./resources.ts";
import { network, subnet } from "./testing/objects.ts";

/** Created in the n-th second. */
function at<T extends Network | Subnet>(second: number, object: T): T {
  const creationTimestamp = new Date(second * 1_000).toISOString();
  return { ...object, metadata: { ...object.metadata, creationTimestamp } };
}
const namesOf = (objects: readonly (Network | Subnet)[]): string[] => objects.map(({ metadata }) => metadata.name);

const LAN = { type: "Underlay", nodeSelector: { site: "berlin" } } as const;
const NETWORKS = ["blue", "red"];
const UNSOUND = "10.0.1.1/28";
const between = (start: string, end: string) => ({ cidr: "10.0.0.16/28", range: { start, end } });
const PLACES: readonly Pick<SubnetSpec, "cidr" | "range">[] = [
  ...["10.0.0.0/27", "10.0.0.0/28", "10.0.0.16/28", "10.0.1.0/28", UNSOUND].map((cidr) => ({ cidr })),
  between("10.0.0.16", "10.0.0.20"),
  between("10.0.0.20", "10.0.0.23"),
  between("10.0.0.24", "10.0.0.31"),
];
const subnets = (): fc.Arbitrary<Subnet[]> => {
  const of = [fc.constantFrom(...NETWORKS), fc.constantFrom(...PLACES), fc.constantFrom(undefined, 29, 30)] as const;
  const one = fc
    .tuple(fc.constantFrom("a", "b", "c", "d", "e", "f", "g", "h"), fc.nat(2), ...of)
    .map(([name, second, parent, { cidr, range }, blockSize]) =>
      at(second, subnet(name, cidr, { network: parent, range, blockSize })),
    );
  return fc.uniqueArray(one, { selector: ({ metadata }) => metadata.name });
};
/** As if one were created beside the other. */
const collides = (one: Subnet, other: Subnet): boolean =>
  subnetAmong(one, undefined, {
    networks: NETWORKS.map((name) => network(name)),
    subnets: [other],
    instances: [],
    podCIDRs: [],
  }) !== undefined;

test("of any Subnets, no two in force collide, and those that collide with none are", () => {
  fc.assert(
    fc.property(subnets(), (all) => {
      const kept = subnetsInForce(all);
      for (const one of kept) expect(kept.filter((other) => other !== one && collides(one, other))).toEqual([]);
      const sound = all.filter(({ spec }) => spec.cidr !== UNSOUND);
      const alone = sound.filter((one) => !sound.some((other) => other !== one && collides(one, other)));
      expect(kept).toEqual(expect.arrayContaining(alone));
      expect(sound).toEqual(expect.arrayContaining(kept));
    }),
  );
});

test("in whatever order Subnets are heard of, the same are in force, for the same reasons", () => {
  const both = subnets().chain((all) =>
    fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length })),
  );
  fc.assert(
    fc.property(both, ([all, shuffled]) => {
      expect(subnetFaults(shuffled)).toEqual(subnetFaults(all));
    }),
  );
});

test("what is in force stays so when others go, and when younger ones come", () => {
  const some = subnets().chain((all) => fc.tuple(fc.constant(all), fc.subarray(all)));
  fc.assert(
    fc.property(some, ([all, left]) => {
      const before = subnetsInForce(all).filter((one) => left.includes(one));
      expect(subnetsInForce(left)).toEqual(expect.arrayContaining(before));
      const come = ["y", "z"].map((name) => at(3, subnet(name, "10.0.0.0/27", { network: "red" })));
      expect(subnetsInForce([...come, ...left])).toEqual(expect.arrayContaining(subnetsInForce(left)));
    }),
  );
});

test("of Subnets that collide the younger is out of force, and is told the eldest that it collides with", () => {
  const all = [
    at(4, subnet("wider", "10.0.0.0/24")),
    at(3, subnet("narrower", "10.0.0.0/27")),
    at(1, subnet("b", "10.0.0.0/26")),
    at(1, subnet("a", "10.0.0.0/25")),
    at(2, subnet("unsound", "10.0.1.1/24")),
    at(5, subnet("apart", "10.0.2.0/24")),
  ];
  expect(namesOf(subnetsInForce(all))).toEqual(["a", "apart"]);
  const overlap = { code: "cidr-overlap", message: expect.stringContaining('overlaps 10.0.0.0/25 of Subnet "a"') };
  expect(Object.fromEntries(subnetFaults(all))).toEqual({
    wider: overlap,
    narrower: overlap,
    b: overlap,
    unsound: { code: "host-bits-set", message: expect.any(String) },
  });
});

test.each<[string, Network, Network, string | undefined]>([
  ["a second overlay is out of force", network("z"), network("a"), "overlay-exists"],
  ["an underlay for an elder one's nodes is out of force", network("z", LAN), network("a", LAN), "selector-overlap"],
  ["an underlay beside an overlay is in force", network("z"), network("a", LAN), undefined],
])("%s, and so are its Subnets", (_, elder, younger, code) => {
  const networks = [at(2, younger), at(1, elder)];
  expect(networkFaults(networks).get("a")?.code).toBe(code);
  const layout = {
    networks,
    subnets: [subnet("of-a", "10.0.0.0/24", { network: "a" }), subnet("of-z", "10.0.1.0/24", { network: "z" })],
  };
  const { networks: kept, subnets: left } = inForce(layout);
  expect(namesOf(kept)).toEqual(code === undefined ? ["a", "z"] : ["z"]);
  expect(namesOf(left)).toEqual(code === undefined ? ["of-a", "of-z"] : ["of-z"]);
});

test("a Network that came past admission, and Subnets of none, are out of force", () => {
  const layout = {
    networks: [network("overlay", { nodeSelector: { rack: "1" } })],
    subnets: [subnet("pods", "10.0.0.0/24"), subnet("more", "10.0.1.0/24", { network: "gone" })],
  };
  expect(inForce(layout)).toEqual({ networks: [], subnets: [] });
});
