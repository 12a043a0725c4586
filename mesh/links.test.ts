import { expect, test } from "@jest/globals";
import { linkConflict, pairsOf } from "./links.ts";
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
