import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { isDeepStrictEqual } from "node:util";
import { viewOfPages, viewPage } from "../crds/wire/view.ts";
import type { Cluster, ClusterLink, ClusterStatus } from "../mesh/resources.ts";
import { cluster, link } from "../mesh/testing/objects.ts";
import { allPairs, resolveLinks } from "../mesh/ties.ts";
import type { ResolvedLinks } from "../mesh/ties.ts";
import type { ViewEntry } from "../mesh/view-records.ts";
import { peerRecord } from "../mesh/view.ts";
import type { Page } from "../platform/mailbox/digest.ts";
import { compileViews } from "./compile.ts";
import type { Compilation } from "./compile.ts";

const joined = (number: number, spec: Partial<Cluster["spec"]> = {}, more: Partial<ClusterStatus> = {}): Cluster =>
  cluster(`c${number}`, {
    spec,
    status: { number, podCIDRs: [`10.${number}.0.0/16`], meshPrefixes: [`100.64.${number * 4}.0/22`], ...more },
  });

const fullMesh = (clusters: readonly Cluster[]) =>
  resolveLinks([link("all", { members: { matchLabels: {} } })], clusters);

const read = (pages: readonly Page[] = []) =>
  pages.map(({ bytes }) => viewPage.parse(JSON.parse(Buffer.from(bytes).toString())));

const meshOf = (count: number): Cluster[] => Array.from({ length: count }, (_, at) => joined(at + 1));

describe("a view", () => {
  test("has the member's own page first, then one for each sixteen cluster numbers, in order of numbers", () => {
    const clusters = meshOf(40);
    const pages = read(compileViews(clusters, fullMesh(clusters)).views.get("c1"));
    expect(pages.map(({ self, entries }) => self?.name ?? entries.length)).toEqual(["c1", 14, 16, 9]);
    expect(viewOfPages(pages)?.entries.map(({ peer }) => peer.number)).toEqual(
      Array.from({ length: 39 }, (_, at) => at + 2),
    );
  });

  test("shares its pages with every member that sees the same clusters the same way", () => {
    const clusters = meshOf(48);
    const views = [...compileViews(clusters, fullMesh(clusters)).views.values()];
    // 48 own pages; of each of the four groups of numbers one page for outsiders, and one for each member within: but 48 is
    // alone in its group.
    expect(new Set(views.flat()).size).toBe(48 + 4 + 47);
    const last = views.slice(0, 15).map((pages) => pages.at(-1));
    expect(new Set(last).size).toBe(1);
  });

  test("is not written of a cluster that is paused or has no number, which others are told of or not", () => {
    const clusters = [joined(1), joined(2, { paused: true }), cluster("waiting")];
    const { views } = compileViews(clusters, fullMesh(clusters));
    expect([...views.keys()]).toEqual(["c1"]);
    expect(viewOfPages(read(views.get("c1")))?.entries.map(({ peer }) => peer.name)).toEqual(["c2"]);
  });

  test("has but the own page where there is no link", () => {
    const clusters = meshOf(2);
    const { views } = compileViews(clusters, resolveLinks([], clusters));
    expect([...views.values()].map((pages) => pages.length)).toEqual([1, 1]);
  });

  test("is the same bytes in whatever order clusters, links and gateways are listed: no write without a change", () => {
    const gateways = [0, 1, 2].map((rank) => ({
      name: `gw${rank}`,
      rank,
      endpoints: ["192.0.2.1"],
      behindNAT: false,
      basePort: 51_820,
      publicKey: "k",
    }));
    const clusters = Array.from({ length: 20 }, (_, at) => joined(at + 1, {}, { gateways }));
    const links = [
      link("a", { members: { names: ["c1", "c2", "c3"] } }, "2026-01-01T00:00:00Z"),
      link("b", { from: { names: ["c1"] }, to: { matchLabels: {} }, tunnel: "VXLAN" }, "2026-01-02T00:00:00Z"),
    ];
    const compiled = (of: readonly Cluster[], by: typeof links) => compileViews(of, resolveLinks(by, of)).views;
    const wanted = compiled(clusters, links);
    fc.assert(
      fc.property(
        fc.shuffledSubarray(clusters, { minLength: 20 }),
        fc.shuffledSubarray(links, { minLength: 2 }),
        fc.shuffledSubarray(gateways, { minLength: 3 }),
        (of, by, shuffled) => {
          const shown = of.map((each) => ({ ...each, status: { ...each.status, gateways: shuffled } }));
          expect(compiled(shown, by)).toEqual(wanted);
        },
      ),
      { numRuns: 25 },
    );
  });
});

const digestsIn = (pages: readonly Page[]) => pages.map(({ digest }) => digest);
const digestsOf = ({ views }: Compilation) => new Map([...views].map(([name, pages]) => [name, digestsIn(pages)]));

interface World {
  readonly clusters: readonly Cluster[];
  readonly links: readonly ClusterLink[];
}

/** What happens to a mesh: objects that are not spoken of stay the same objects, as in a watch. */
const changes = fc.oneof(
  fc.record({
    number: fc.integer({ min: 1, max: 24 }),
    change: fc.constantFrom("join", "leave", "pause", "heartbeat"),
  }),
  fc.record({ number: fc.integer({ min: 1, max: 24 }), label: fc.constantFrom("a", "b") }),
  fc.record({ number: fc.integer({ min: 1, max: 24 }), key: fc.constantFrom("k1", "k2", "k3") }),
  fc.record({
    link: fc.constantFrom("l1", "l2", "l3"),
    day: fc.integer({ min: 1, max: 9 }),
    spec: fc.oneof(
      fc.constant(undefined),
      fc.record({
        members: fc.record({ matchLabels: fc.constantFrom({}, { group: "a" }) }),
        mtu: fc.constantFrom(undefined, 1400),
      }),
      fc.record({
        from: fc.record({ names: fc.constantFrom(["c1", "c2"], ["c20"]) }),
        to: fc.record({ matchLabels: fc.constantFrom({}, { group: "b" }) }),
      }),
    ),
  }),
);
type Change = typeof changes extends fc.Arbitrary<infer One> ? One : never;

function after({ clusters, links }: World, change: Change): World {
  if ("link" in change) {
    const others = links.filter(({ metadata }) => metadata.name !== change.link);
    const made = change.spec && link(change.link, change.spec, `2026-01-0${change.day}T00:00:00Z`);
    return { clusters, links: made === undefined ? others : [...others, made] };
  }
  const name = `c${change.number}`;
  const others = clusters.filter(({ metadata }) => metadata.name !== name);
  const present = clusters.find(({ metadata }) => metadata.name === name) ?? joined(change.number);
  if ("change" in change && change.change === "leave") return { clusters: others, links };
  return { clusters: [...others, changed(present, change)], links };
}

function changed({ metadata, spec, status, ...rest }: Cluster, change: Exclude<Change, { link: string }>): Cluster {
  const gateway = { name: "gw", rank: 0, endpoints: ["192.0.2.1"], behindNAT: false, basePort: 51_820 };
  return {
    ...rest,
    metadata: "label" in change ? { ...metadata, labels: { group: change.label } } : metadata,
    spec: "change" in change && change.change === "pause" ? { ...spec, paused: !spec.paused } : spec,
    status: "key" in change ? { ...status, gateways: [{ ...gateway, publicKey: change.key }] } : { ...status },
  };
}

/** What each member is to be told, pair by pair. */
function toldPairByPair({ clusters }: World, resolved: ResolvedLinks): Map<string, ViewEntry[]> {
  const records = new Map(clusters.flatMap((each) => peerRecord(each) ?? []).map((record) => [record.name, record]));
  const told = new Map<string, ViewEntry[]>(
    clusters.filter(({ spec }) => !spec.paused).map(({ metadata }) => [metadata.name, []]),
  );
  for (const { a, b, tunnel, mtu } of allPairs(resolved))
    for (const [reader, other] of [
      [a, b],
      [b, a],
    ] as const) {
      const peer = records.get(other);
      if (peer !== undefined) told.get(reader)?.push({ peer, tunnel, ...(mtu === undefined ? {} : { mtu }) });
    }
  for (const entries of told.values()) entries.sort((x, y) => x.peer.number - y.peer.number);
  return told;
}

test("after any changes the views are those compiled from nothing, pair by pair, and what is unchanged is the same object", () => {
  fc.assert(
    fc.property(fc.array(changes, { minLength: 1, maxLength: 12 }), (all) => {
      let world: World = { clusters: meshOf(20), links: [link("l0", { members: { matchLabels: {} } })] };
      let resolved: ResolvedLinks | undefined;
      let former: Compilation | undefined;
      for (const change of all) {
        world = after(world, change);
        resolved = resolveLinks(world.links, world.clusters, resolved);
        const compiled = compileViews(world.clusters, resolved, former);
        const anew = compileViews(world.clusters, resolveLinks(world.links, world.clusters));
        expect(digestsOf(compiled)).toEqual(digestsOf(anew));
        const told = new Map([...compiled.views].map(([name, pages]) => [name, viewOfPages(read(pages))?.entries]));
        expect(told).toEqual(toldPairByPair(world, resolved));
        for (const [name, pages] of compiled.views) {
          const before = former?.views.get(name);
          expect(pages === before).toBe(isDeepStrictEqual(digestsIn(pages), before && digestsIn(before)));
        }
        former = compiled;
      }
    }),
    { numRuns: 20 },
  );
});

test("of one change among many clusters only the pages around it are made anew", () => {
  const clusters = meshOf(200);
  const resolved = fullMesh(clusters);
  const former = compileViews(clusters, resolved);
  const [first, ...others] = clusters;
  const moved = first && changed(first, { number: 1, key: "k3" });
  const { views } = compileViews([...(moved === undefined ? [] : [moved]), ...others], resolved, former);
  const known = new Set([...former.views.values()].flat());
  const fresh = new Set([...views.values()].flat().filter((page) => !known.has(page)));
  // One for all outside its block of numbers, 0 to 15, and one for each other in it.
  expect(fresh.size).toBe(1 + 14);
});
