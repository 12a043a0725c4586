import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { linkConflict, pairsOf } from "./links.ts";
import type { LinkableCluster } from "./links.ts";
import type { ClusterLink } from "./resources.ts";
import { cluster, link } from "./testing/objects.ts";
import { allPairs, conflictOf, pairsRuledBy, resolveLinks } from "./ties.ts";
import type { ResolvedLinks } from "./ties.ts";

const clusters = [
  cluster("east", { labels: { region: "eu", tier: "prod" } }),
  cluster("west", { labels: { region: "us", tier: "prod" } }),
  cluster("north", { labels: { region: "eu", tier: "test" } }),
  cluster("south"),
];

function conflictIn(resolved: ResolvedLinks, name: string) {
  const known = resolved.links.get(name);
  return known && conflictOf(resolved, known);
}

describe("resolved links", () => {
  test("the older of two links rules a pair, and the newer is told who has it", () => {
    const older = link("z", { members: { names: ["east", "west"] } }, "2026-01-01T00:00:00Z");
    const newer = link(
      "a",
      { members: { names: ["east", "west", "north"] }, tunnel: "VXLAN", mtu: 1400 },
      "2026-01-02T00:00:00Z",
    );
    const resolved = resolveLinks([newer, older], clusters);
    expect(allPairs(resolved)).toEqual([
      { a: "east", b: "north", link: "a", tunnel: "VXLAN", mtu: 1400 },
      { a: "east", b: "west", link: "z", tunnel: "WireGuard" },
      { a: "north", b: "west", link: "a", tunnel: "VXLAN", mtu: 1400 },
    ]);
    expect(conflictIn(resolved, "z")).toBeUndefined();
    expect(conflictIn(resolved, "a")).toMatchObject({ a: "east", b: "west", link: "z" });
  });

  test("of two links made in the same moment the first by name rules", () => {
    const spec = { members: { names: ["east", "west"] } };
    expect(allPairs(resolveLinks([link("b", spec), link("a", spec)], clusters))[0]?.link).toBe("a");
  });

  test("a name that no cluster has is reported, and the rest is linked", () => {
    const resolved = resolveLinks([link("l", { members: { names: ["moon", "east", "west", "mars"] } })], clusters);
    expect(allPairs(resolved)).toHaveLength(1);
    expect(resolved.links.get("l")?.unknown).toEqual(["mars", "moon"]);
  });
});

const names = ["east", "west", "north", "south", "moon"];
const selections = fc.record(
  {
    names: fc.subarray(names, { maxLength: 4 }),
    matchLabels: fc.record({ region: fc.constantFrom("eu", "us") }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const specs = fc.oneof(fc.record({ members: selections }), fc.record({ from: selections, to: selections }));
const worlds = fc.record({
  links: fc
    .array(fc.record({ spec: specs, day: fc.integer({ min: 1, max: 9 }), mtu: fc.constantFrom(undefined, 1400) }), {
      maxLength: 5,
    })
    .map((all) => all.map(({ spec, day, mtu }, n) => link(`l${n}`, { ...spec, mtu }, `2026-01-0${day}T00:00:00Z`))),
  clusters: fc
    .tuple(fc.subarray(names), fc.subarray(names))
    .map(([all, eu]) => all.map((name) => cluster(name, { labels: eu.includes(name) ? { region: "eu" } : {} }))),
});

/** Each pair of each link, one after another, the oldest first: what the ties stand for. */
function pairByPair(links: readonly ClusterLink[], present: readonly LinkableCluster[]): Map<string, string> {
  const ruled = new Map<string, string>();
  const byAge = links.toSorted(
    (x, y) =>
      x.metadata.creationTimestamp.localeCompare(y.metadata.creationTimestamp) ||
      x.metadata.name.localeCompare(y.metadata.name),
  );
  for (const each of byAge)
    for (const { a, b } of pairsOf(each, present))
      if (!ruled.has(`${a} ${b}`)) ruled.set(`${a} ${b}`, each.metadata.name);
  return ruled;
}

test("a pair is ruled by the oldest link that asks for it, and a link of which a pair is ruled by another is in conflict", () => {
  fc.assert(
    fc.property(worlds, (world) => {
      const resolved = resolveLinks(world.links, world.clusters);
      const ruled = pairByPair(world.links, world.clusters);
      expect(new Map(allPairs(resolved).map(({ a, b, link: by }) => [`${a} ${b}`, by]))).toEqual(ruled);
      for (const each of world.links) {
        const lost = pairsOf(each, world.clusters).find(({ a, b }) => ruled.get(`${a} ${b}`) !== each.metadata.name);
        expect(conflictIn(resolved, each.metadata.name) === undefined).toBe(lost === undefined);
      }
    }),
  );
});

test("links that all passed the door are not in conflict", () => {
  fc.assert(
    fc.property(worlds, ({ links, clusters: present }) => {
      const admitted = links.filter((each, n) => linkConflict(each, links.slice(0, n), present) === undefined);
      const resolved = resolveLinks(admitted, present);
      expect(admitted.map(({ metadata }) => conflictIn(resolved, metadata.name))).toEqual(
        admitted.map(() => undefined),
      );
    }),
  );
});

test("what was resolved before changes nothing but which objects are the same", () => {
  fc.assert(
    fc.property(fc.array(worlds, { maxLength: 4 }), (all) => {
      let former: ResolvedLinks | undefined;
      for (const { links, clusters: present } of all) {
        const resolved = resolveLinks(links, present, former);
        expect(resolved).toEqual(resolveLinks(links, present));
        for (const [name, ties] of resolved.ties) {
          const before = former?.ties.get(name);
          expect(ties === before).toBe(before !== undefined && isDeepStrictEqual([...ties], [...before]));
        }
        former = resolved;
      }
    }),
  );
});

test("a full mesh of 1,000 clusters is resolved at once, and its pairs are counted when they are asked for", () => {
  const many = Array.from({ length: 1000 }, (_, n) => cluster(`c${n}`));
  // Of our own: a machine that others keep busy is no fault of the algorithm.
  const before = process.cpuUsage();
  const resolved = resolveLinks([link("all", { members: { matchLabels: {} } })], many);
  expect(new Set(resolved.ties.values()).size).toBe(1);
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(0.5);
  const [all] = resolved.links.values();
  expect([...(all === undefined ? [] : pairsRuledBy(resolved, all))]).toHaveLength(499_500);
});
