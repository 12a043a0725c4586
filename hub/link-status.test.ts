import { describe, expect, test } from "@jest/globals";
import type { Cluster, ClusterLink, ClusterLinkStatus, PairStatus } from "../mesh/resources.ts";
import { cluster, link } from "../mesh/testing/objects.ts";
import { resolveLinks } from "../mesh/ties.ts";
import { linkStatus } from "./link-status.ts";

const NOW = "2026-02-01T00:00:00Z";
const up = (from: string, to: string): PairStatus => ({
  from,
  to,
  tunnel: "WireGuard",
  state: "Up",
  reason: "Heard",
  message: "",
  since: NOW,
});

function judge(
  subject: ClusterLink,
  clusters: readonly Cluster[],
  pair: (from: string, to: string) => PairStatus | undefined = () => undefined,
  links: readonly ClusterLink[] = [subject],
): ClusterLinkStatus {
  return linkStatus(subject, { resolved: resolveLinks(links, clusters), pair, now: NOW });
}

const [east, west, edge] = ["east", "west", "edge"].map((name) => cluster(name)) as [Cluster, Cluster, Cluster];
const all = link("all", { members: { names: ["east", "west", "edge"] } });

describe("the status of a link", () => {
  test("counts both directions of each pair; what nobody reported is pending", () => {
    const status = judge(all, [east, west, edge], (from, to) => (from === "east" ? up(from, to) : undefined));
    expect(status.pairs).toEqual({ Up: 2, Degraded: 0, Doubtful: 0, Unreachable: 0, Pending: 4 });
    expect(status.worst.map(({ from, to }) => `${from} ${to}`)).toEqual([
      "edge east",
      "edge west",
      "west east",
      "west edge",
    ]);
    expect(status.conditions).toMatchObject([{ type: "Ready", status: "True", reason: "Resolved" }]);
  });

  test("names the worst fifty and no more, the worst first", () => {
    const many = Array.from({ length: 12 }, (_, at) => cluster(`c${at}`));
    const mesh = link("mesh", { members: { matchLabels: {} } });
    const status = judge(mesh, many, (from, to) => ({
      ...up(from, to),
      state: from === "c7" ? "Unreachable" : "Doubtful",
    }));
    expect(status.worst).toHaveLength(50);
    expect(status.worst.slice(0, 11).every(({ from }) => from === "c7")).toBe(true);
    expect(status.pairs).toMatchObject({ Unreachable: 11, Doubtful: 121 });
  });

  test("says which cluster nobody is yet", () => {
    expect(judge(all, [east]).conditions).toMatchObject([
      { status: "False", reason: "ClusterNotFound", message: expect.stringContaining('"edge", "west"') },
    ]);
  });

  test("says of the younger of two over one pair which older one rules it", () => {
    const younger = link("younger", { members: { names: ["east", "west"] }, tunnel: "VXLAN" }, "2026-01-02T00:00:00Z");
    const links = [younger, all];
    expect(judge(younger, [east, west, edge], undefined, links).conditions).toMatchObject([
      { status: "False", reason: "Conflict", message: expect.stringContaining('by the older "all"') },
    ]);
    expect(judge(all, [east, west, edge], undefined, links).conditions).toMatchObject([{ status: "True" }]);
  });

  test("keeps since when a condition holds while it holds", () => {
    const first = judge(all, [east]);
    const again = linkStatus(
      { ...all, status: first },
      { resolved: resolveLinks([all], [east]), pair: () => undefined, now: "2026-02-02T00:00:00Z" },
    );
    expect(again).toEqual(first);
    const well = linkStatus(
      { ...all, status: first },
      { resolved: resolveLinks([all], [east, west, edge]), pair: () => undefined, now: "2026-02-03T00:00:00Z" },
    );
    expect(well.conditions).toMatchObject([{ status: "True", lastTransitionTime: "2026-02-03T00:00:00Z" }]);
  });
});
