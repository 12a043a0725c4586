import { describe, expect, test } from "@jest/globals";
import { clustersBehindNAT } from "../mesh/behind-nat.ts";
import type { Cluster, ClusterLink, ClusterLinkStatus, PairStatus } from "../mesh/resources.ts";
import { cluster, link } from "../mesh/testing/objects.ts";
import { resolveLinks } from "../mesh/ties.ts";
import { linkStatus, surveyLink } from "./link-status.ts";
import type { LinkFacts } from "./link-status.ts";

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
): Promise<ClusterLinkStatus> {
  const behindNAT = clustersBehindNAT(clusters);
  return statusOf(subject, { resolved: resolveLinks(links, clusters), pair, behindNAT, now: NOW });
}

async function statusOf(subject: ClusterLink, facts: LinkFacts): Promise<ClusterLinkStatus> {
  return linkStatus(subject, await surveyLink(subject, facts), facts);
}

const [east, west, edge] = ["east", "west", "edge"].map((name) => cluster(name)) as [Cluster, Cluster, Cluster];
const all = link("all", { members: { names: ["east", "west", "edge"] } });

describe("the status of a link", () => {
  test("counts both directions of each pair; what nobody reported is pending", async () => {
    const status = await judge(all, [east, west, edge], (from, to) => (from === "east" ? up(from, to) : undefined));
    expect(status.pairs).toEqual({ Up: 2, Degraded: 0, Doubtful: 0, Unreachable: 0, Pending: 4 });
    expect(status.worst.map(({ from, to }) => `${from} ${to}`)).toEqual([
      "edge east",
      "edge west",
      "west east",
      "west edge",
    ]);
    expect(status.conditions).toMatchObject([{ type: "Ready", status: "True", reason: "Resolved" }]);
  });

  test("names the worst fifty and no more, the worst first", async () => {
    const many = Array.from({ length: 12 }, (_, at) => cluster(`c${at}`));
    const mesh = link("mesh", { members: { matchLabels: {} } });
    const status = await judge(mesh, many, (from, to) => ({
      ...up(from, to),
      state: from === "c7" ? "Unreachable" : "Doubtful",
    }));
    expect(status.worst).toHaveLength(50);
    expect(status.worst.slice(0, 11).every(({ from }) => from === "c7")).toBe(true);
    expect(status.pairs).toMatchObject({ Unreachable: 11, Doubtful: 121 });
  });

  test("says which cluster nobody is yet", async () => {
    expect((await judge(all, [east])).conditions).toMatchObject([
      { status: "False", reason: "ClusterNotFound", message: expect.stringContaining('"edge", "west"') },
    ]);
  });

  test("says of the younger of two over one pair which older one rules it", async () => {
    const younger = link("younger", { members: { names: ["east", "west"] }, tunnel: "VXLAN" }, "2026-01-02T00:00:00Z");
    const links = [younger, all];
    expect((await judge(younger, [east, west, edge], undefined, links)).conditions).toMatchObject([
      { status: "False", reason: "Conflict", message: expect.stringContaining('by the older "all"') },
    ]);
    expect((await judge(all, [east, west, edge], undefined, links)).conditions).toMatchObject([{ status: "True" }]);
  });

  test("says of VXLAN which of its clusters are behind NAT, and nothing of WireGuard", async () => {
    const gateway = { name: "a", rank: 0, endpoints: [], behindNAT: true, basePort: 51_820, publicKey: "key" };
    const hidden = cluster("edge", { status: { gateways: [gateway] } });
    const overVXLAN = { ...all, spec: { ...all.spec, tunnel: "VXLAN" as const } };
    expect((await judge(overVXLAN, [east, west, hidden])).conditions).toMatchObject([
      {
        status: "False",
        reason: "VXLANBehindNAT",
        message: expect.stringContaining('gateways of "edge" are behind one'),
      },
    ]);
    expect((await judge(overVXLAN, [east, west, edge])).conditions).toMatchObject([{ status: "True" }]);
    expect((await judge(all, [east, west, hidden])).conditions).toMatchObject([{ status: "True" }]);
  });

  test("keeps since when a condition holds while it holds", async () => {
    const first = await judge(all, [east]);
    const again = await statusOf(
      { ...all, status: first },
      {
        resolved: resolveLinks([all], [east]),
        pair: () => undefined,
        behindNAT: new Set(),
        now: "2026-02-02T00:00:00Z",
      },
    );
    expect(again).toEqual(first);
    const well = await statusOf(
      { ...all, status: first },
      {
        resolved: resolveLinks([all], [east, west, edge]),
        pair: () => undefined,
        behindNAT: new Set(),
        now: "2026-02-03T00:00:00Z",
      },
    );
    expect(well.conditions).toMatchObject([{ status: "True", lastTransitionTime: "2026-02-03T00:00:00Z" }]);
  });
});
