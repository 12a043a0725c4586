import { describe, expect, test } from "@jest/globals";
import { EMPTY_LEDGER } from "../mesh/ledger.ts";
import type { LedgerSpec, PairStatus } from "../mesh/resources.ts";
import { cluster, link } from "../mesh/testing/objects.ts";
import { resolveLinks } from "../mesh/ties.ts";
import type { HubLevel } from "./level.ts";
import { ReportBook } from "./reports.ts";
import { statusOf } from "./status.ts";
import { traceBetween } from "./trace.ts";

const NOW = Date.parse("2026-01-01T00:00:00Z");
const revision = { epoch: 1, generation: 4 };

function levelOf({ linked = true, ledger = EMPTY_LEDGER }: { linked?: boolean; ledger?: LedgerSpec } = {}): HubLevel {
  const clusters = ["east", "west"].map((name, at) =>
    cluster(name, {
      status: { number: at + 1, podCIDRs: [`10.${at + 1}.0.0/16`], revision: { desired: revision, applied: revision } },
    }),
  );
  const links = linked ? [link("pair", { members: { names: ["east", "west"] } })] : [];
  return { clusters, leaving: [], links, pools: [], ledger, resolved: resolveLinks(links, clusters) };
}

const pair = (from: string, to: string, state: PairStatus["state"]): PairStatus => ({
  from,
  to,
  tunnel: "WireGuard",
  state,
  reason: "R",
  message: "m",
  since: "2026-01-01T00:00:00Z",
});

function reported(...pairs: readonly PairStatus[]): ReportBook {
  const reports = new ReportBook();
  for (const each of pairs)
    reports.record(each.from, "gw", { gateways: [], leads: false, applied: revision, pairs: [each] }, NOW);
  return reports;
}

describe("the hub's status", () => {
  test("has every cluster, and both directions of each pair as they were reported, or as pending", () => {
    const reports = reported(pair("east", "west", "Up"));
    const status = statusOf({ ...levelOf(), reports, activeSince: "2025-12-31T00:00:00Z", nowMs: NOW });
    expect(status.hub).toEqual({ connected: true, since: "2025-12-31T00:00:00Z" });
    expect(status.clusters).toEqual([
      {
        name: "east",
        number: 1,
        podCIDRs: ["10.1.0.0/16"],
        desired: revision,
        applied: revision,
        lastSeen: "2026-01-01T00:00:00.000Z",
      },
      { name: "west", number: 2, podCIDRs: ["10.2.0.0/16"], desired: revision, applied: revision, lastSeen: undefined },
    ]);
    expect(status.pairs.map(({ from, to, state }) => `${from} ${to} ${state}`)).toEqual([
      "east west Up",
      "west east Pending",
    ]);
  });
});

describe("a trace", () => {
  const ledger: LedgerSpec = {
    rows: ["east", "west"].map((name, at) => ({ prefix: `10.${at + 1}.0.0/16`, cluster: name, use: "assigned" })),
    numbers: [],
  };
  const both = reported(pair("east", "west", "Up"), pair("west", "east", "Up"));

  test.each<[string, string, HubLevel, ReportBook, string, boolean]>([
    ["10.1.0.9", "10.2.0.9", levelOf({ ledger }), both, "tunnel back", true],
    ["east", "west", levelOf(), both, "tunnel back", true],
    ["east", "10.2.0.9", levelOf({ ledger }), both, "tunnel back", true],
    ["east", "east", levelOf(), both, "path", true],
    ["east", "west", levelOf({ linked: false }), both, "link", false],
    ["10.1.0.9", "10.9.0.9", levelOf({ ledger }), both, "destination", false],
    ["nobody", "west", levelOf(), both, "source", false],
    ["east", "west", levelOf(), reported(pair("east", "west", "Up")), "tunnel back", false],
    ["east", "west", levelOf(), reported(pair("east", "west", "Unreachable")), "tunnel out", false],
  ])("from %s to %s: %#", (from, to, level, reports, lastCheck, reachable) => {
    const answer = traceBetween({ from, to }, { level, reports, nowMs: NOW });
    expect({ reachable: answer.reachable, last: answer.hops.at(-1)?.check }).toEqual({ reachable, last: lastCheck });
    expect(answer.hops.every(({ ok, remedy }) => ok || remedy !== undefined)).toBe(true);
  });
});
