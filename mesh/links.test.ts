import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { linkConflict, pairsByCluster, pairsOf, resolveLinks } from "./links.ts";
import type { ClusterLinkSpec } from "./resources.ts";
import { cluster, link } from "./testing/objects.ts";

const clusters = [
  cluster("east", { labels: { region: "eu", tier: "prod" } }),
  cluster("west", { labels: { region: "us", tier: "prod" } }),
  cluster("north", { labels: { region: "eu", tier: "test" } }),
  cluster("south"),
];

test.each<[string, Partial<ClusterLinkSpec>, string[]]>([
  ["a full mesh by name", { members: { names: ["west", "east", "north"] } }, ["east-north", "east-west", "north-west"]],
  ["a full mesh by label", { members: { matchLabels: { region: "eu" } } }, ["east-north"]],
  ["all given labels must match", { members: { matchLabels: { region: "eu", tier: "prod" } } }, []],
  ["a name or a label suffices", { members: { names: ["south"], matchLabels: { region: "us" } } }, ["south-west"]],
  [
    "an empty selector selects all",
    { members: { matchLabels: {} } },
    ["east-north", "east-south", "east-west", "north-south", "north-west", "south-west"],
  ],
  [
    "a hub and its spokes",
    { from: { names: ["west"] }, to: { names: ["east", "north"] } },
    ["east-west", "north-west"],
  ],
  [
    "a cluster on both sides is not linked with itself",
    { from: { names: ["east", "west"] }, to: { names: ["east", "west"] } },
    ["east-west"],
  ],
  ["names of nobody make no pairs", { members: { names: ["east", "moon"] } }, []],
  ["nothing selected", {}, []],
])("pairs of a link: %s", (_, spec, expected) => {
  expect(pairsOf(link("l", spec), clusters).map(({ a, b }) => `${a}-${b}`)).toEqual(expected);
});

test("the older of two links rules a pair, and the newer is told who has it", () => {
  const older = link("z", { members: { names: ["east", "west"] } }, "2026-01-01T00:00:00Z");
  const newer = link(
    "a",
    { members: { names: ["east", "west", "north"] }, tunnel: "VXLAN", mtu: 1400 },
    "2026-01-02T00:00:00Z",
  );
  const { pairs, problems } = resolveLinks([newer, older], clusters);
  expect(pairs).toEqual([
    { a: "east", b: "north", link: "a", tunnel: "VXLAN", mtu: 1400 },
    { a: "east", b: "west", link: "z", tunnel: "WireGuard" },
    { a: "north", b: "west", link: "a", tunnel: "VXLAN", mtu: 1400 },
  ]);
  expect(problems.get("z")).toEqual({ unknown: [], conflicts: [] });
  expect(problems.get("a")).toEqual({ unknown: [], conflicts: [{ a: "east", b: "west", heldBy: "z" }] });
});

test("of two links made in the same moment the first by name rules", () => {
  const spec = { members: { names: ["east", "west"] } };
  expect(resolveLinks([link("b", spec), link("a", spec)], clusters).pairs[0]?.link).toBe("a");
});

test("a name that no cluster has is reported, and the rest is linked", () => {
  const { pairs, problems } = resolveLinks(
    [link("l", { members: { names: ["moon", "east", "west", "mars"] } })],
    clusters,
  );
  expect(pairs).toHaveLength(1);
  expect(problems.get("l")?.unknown).toEqual(["mars", "moon"]);
});

test("at the door a second link over a pair is refused by name", () => {
  const present = link("first", { members: { matchLabels: { tier: "prod" } } });
  expect(
    linkConflict(link("second", { from: { names: ["west"] }, to: { names: ["east"] } }), [present], clusters),
  ).toEqual({
    code: "link-conflict",
    message:
      'link "second" would link "east" and "west", which link "first" does already; change or delete "first" first',
  });
});

test("a changed link is not in conflict with its former self", () => {
  const present = link("first", { members: { names: ["east", "west"] } });
  expect(
    linkConflict(link("first", { members: { names: ["east", "west", "north"] } }), [present], clusters),
  ).toBeUndefined();
});

test("links that will clash once their clusters have joined are refused now", () => {
  const spec = { members: { names: ["mars", "moon"] } };
  expect(linkConflict(link("second", spec), [link("first", spec)], clusters)?.code).toBe("link-conflict");
});

const selections = fc.record(
  {
    names: fc.array(fc.constantFrom("east", "west", "north", "south", "moon"), { maxLength: 3 }),
    matchLabels: fc.record({ region: fc.constantFrom("eu", "us") }, { requiredKeys: [] }),
  },
  { requiredKeys: [] },
);
const specs = fc.oneof(fc.record({ members: selections }), fc.record({ from: selections, to: selections }));

test("a pair is ruled by one link at most, and links that all passed the door are not in conflict", () => {
  fc.assert(
    fc.property(fc.array(specs, { maxLength: 5 }), (all) => {
      const links = all.map((spec, n) => link(`l${n}`, spec, `2026-01-0${n + 1}T00:00:00Z`));
      const { pairs } = resolveLinks(links, clusters);
      expect(new Set(pairs.map(({ a, b }) => `${a} ${b}`)).size).toBe(pairs.length);
      expect(pairs.every(({ a, b }) => a < b)).toBe(true);
      const admitted = links.filter((each, n) => linkConflict(each, links.slice(0, n), clusters) === undefined);
      const { problems } = resolveLinks(admitted, clusters);
      expect([...problems.values()].flatMap(({ conflicts }) => conflicts)).toEqual([]);
      for (const [name, its] of pairsByCluster(pairs)) {
        expect(its).toEqual(pairs.filter(({ a, b }) => a === name || b === name));
      }
    }),
  );
});

test("a full mesh of 1,000 clusters is resolved in seconds", () => {
  const many = Array.from({ length: 1000 }, (_, n) => cluster(`c${n}`));
  // Of our own: a machine that others keep busy is no fault of the algorithm.
  const before = process.cpuUsage();
  expect(resolveLinks([link("all", { members: { matchLabels: {} } })], many).pairs).toHaveLength(499_500);
  expect(process.cpuUsage(before).user / 1e6).toBeLessThan(10);
}, 60_000);
