import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { viewOfPages, viewPage } from "../crds/wire/view.ts";
import { resolveLinks } from "../mesh/links.ts";
import type { Cluster, ClusterStatus } from "../mesh/resources.ts";
import { cluster, link } from "../mesh/testing/objects.ts";
import { compileViews } from "./compile.ts";

const joined = (number: number, spec: Partial<Cluster["spec"]> = {}, more: Partial<ClusterStatus> = {}): Cluster =>
  cluster(`c${number}`, {
    spec,
    status: { number, podCIDRs: [`10.${number}.0.0/16`], meshPrefixes: [`100.64.${number * 4}.0/22`], ...more },
  });

const fullMesh = (clusters: readonly Cluster[]) =>
  resolveLinks([link("all", { members: { matchLabels: {} } })], clusters).pairs;

const meshOf = (count: number): Cluster[] => Array.from({ length: count }, (_, at) => joined(at + 1));

describe("a view", () => {
  test("has the member's own page first, then one for each sixteen cluster numbers, in order of numbers", () => {
    const clusters = meshOf(40);
    const [first] = compileViews(clusters, fullMesh(clusters));
    const pages = first?.pages.map((text) => viewPage.parse(JSON.parse(text))) ?? [];
    expect(pages.map(({ self, entries }) => self?.name ?? entries.length)).toEqual(["c1", 14, 16, 9]);
    expect(viewOfPages(pages)?.entries.map(({ peer }) => peer.number)).toEqual(
      Array.from({ length: 39 }, (_, at) => at + 2),
    );
  });

  test("shares its pages with every member that sees the same clusters the same way", () => {
    const clusters = meshOf(48);
    const views = compileViews(clusters, fullMesh(clusters));
    const texts = new Set(views.flatMap(({ pages }) => pages));
    // 48 own pages; of each of the four groups of numbers one page for outsiders, and one for each member within: but 48 is
    // alone in its group.
    expect(texts.size).toBe(48 + 4 + 47);
    const last = views.slice(0, 15).map(({ pages }) => pages.at(-1));
    expect(new Set(last).size).toBe(1);
  });

  test("is not written of a cluster that is paused or has no number, which others are told of or not", () => {
    const clusters = [joined(1), joined(2, { paused: true }), cluster("waiting")];
    const views = compileViews(clusters, fullMesh(clusters));
    expect(views.map(({ member }) => member)).toEqual(["c1"]);
    expect(
      viewOfPages(views[0]?.pages.map((text) => viewPage.parse(JSON.parse(text))) ?? [])?.entries.map(
        ({ peer }) => peer.name,
      ),
    ).toEqual(["c2"]);
  });

  test("has but the own page where there is no link", () => {
    expect(compileViews(meshOf(2), []).map(({ pages }) => pages.length)).toEqual([1, 1]);
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
    const compiled = (of: readonly Cluster[], by: typeof links) =>
      new Map(compileViews(of, resolveLinks(by, of).pairs).map(({ member, pages }) => [member, pages]));
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
