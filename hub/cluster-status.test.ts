import { describe, expect, test } from "@jest/globals";
import type { Report } from "../crds/wire/report.ts";
import type { Cluster, ClusterStatus } from "../mesh/resources.ts";
import { gatewayRecord } from "../mesh/testing/gateways.ts";
import { cluster } from "../mesh/testing/objects.ts";
import { nextStatus } from "./cluster-status.ts";
import { ReportBook } from "./reports.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number): number => START + seconds * 1_000;
const report: Report = { gateways: [], leads: false, applied: { epoch: 1, generation: 1 }, pairs: [] };

function heard(seconds: number, said: Report = report): ReportBook {
  const reports = new ReportBook();
  reports.record("east", "gw", said, at(seconds));
  return reports;
}

const next = (
  before: ClusterStatus,
  reports: ReportBook,
  seconds: number,
  desired?: { epoch: number; generation: number },
  clusters: readonly Cluster[] = [],
): ClusterStatus => nextStatus("east", before, { reports, desired, clusters, nowMs: at(seconds) });

const fresh = cluster("east").status;

describe("the status of a cluster", () => {
  test.each([report, { gateways: [], leads: false, pairs: [] }])(
    "that says nothing but that it is still there is written every 30 s: %j",
    (said) => {
      const first = next(fresh, heard(0, said), 0);
      expect(first.lastSeen).toBe("2026-01-01T00:00:00.000Z");
      expect(next(first, heard(15, said), 15)).toEqual(first);
      expect(next(first, heard(29, said), 29)).toEqual(first);
      expect(next(first, heard(30, said), 30)).toEqual({ ...first, lastSeen: "2026-01-01T00:00:30.000Z" });
    },
  );

  test("that changed is written at once, with when it was seen", () => {
    const first = next(fresh, heard(0), 0);
    const later = next(first, heard(5, { ...report, applied: { epoch: 1, generation: 2 } }), 5, {
      epoch: 1,
      generation: 2,
    });
    expect(later).toMatchObject({
      revision: { desired: { generation: 2 }, applied: { generation: 2 } },
      lastSeen: "2026-01-01T00:00:05.000Z",
    });
  });

  test("keeps what the store knows of it when a new hub has heard nothing yet: no flapping at a takeover", () => {
    const before = next(fresh, heard(0), 0, { epoch: 1, generation: 1 });
    expect(next(before, new ReportBook(), 40)).toEqual(before);
    const silent = next(before, new ReportBook(), 61);
    expect(silent.conditions).toMatchObject([
      { type: "Connected", status: "False", reason: "Silent", lastTransitionTime: "2026-01-01T00:01:01.000Z" },
    ]);
    expect(silent).toMatchObject({ lastSeen: before.lastSeen, revision: before.revision });
  });

  test("of one that never reported says silent, and when it was found so, once", () => {
    const first = next(fresh, new ReportBook(), 0);
    expect(first.conditions).toMatchObject([{ status: "False", lastTransitionTime: "2026-01-01T00:00:00.000Z" }]);
    expect(next(first, new ReportBook(), 100)).toEqual(first);
  });

  test("keeps the conditions of others", () => {
    const other = {
      type: "RangesAccepted",
      status: "False",
      reason: "CidrOverlap",
      message: "",
      lastTransitionTime: "2026-01-01T00:00:00Z",
    } as const;
    expect(next({ ...fresh, conditions: [other] }, heard(0), 0).conditions.map(({ type }) => type)).toEqual([
      "RangesAccepted",
      "Connected",
    ]);
  });

  describe("with gateways that others can't be told of", () => {
    const bad = gatewayRecord(16);
    const good = gatewayRecord(0);
    const saying = (...gateways: Report["gateways"]): Report => ({ ...report, leads: true, gateways });

    test("leaves them out, each alone, and says so until they are mended", () => {
      const first = next(fresh, heard(0, saying(good, bad)), 0);
      expect(first.gateways).toEqual([good]);
      const said = { type: "GatewaysAccepted", lastTransitionTime: "2026-01-01T00:00:00.000Z" };
      expect(first.conditions).toContainEqual({
        ...said,
        status: "False",
        reason: "GatewayRefused",
        message:
          'peers are not told of all its gateways: gateway "node-16" is left out: 16 is not a rank: ranks run from 0 to 15',
      });
      expect(next(first, heard(1, saying(good, bad)), 1)).toEqual(first);
      const mended = next(first, heard(2, saying(good)), 2);
      expect(mended.conditions).toContainEqual(
        expect.objectContaining({
          type: "GatewaysAccepted",
          status: "True",
          lastTransitionTime: "2026-01-01T00:00:02.000Z",
        }),
      );
    });

    test("says no more than a few of them, however many are sent", () => {
      const many = Array.from({ length: 2_000 }, (_, n) => gatewayRecord(16 + n));
      const { gateways, conditions } = next(fresh, heard(0, saying(...many)), 0);
      expect(gateways).toEqual([]);
      expect(conditions[0]?.message).toMatch(/; and 1997 more$/);
    });

    test("leaves out what an older hub took over", () => {
      expect(next({ ...fresh, gateways: [good, bad] }, new ReportBook(), 0).gateways).toEqual([good]);
    });
  });

  describe("with a key that is another cluster's", () => {
    const stolen = gatewayRecord(3, { name: "thief", publicKey: gatewayRecord(0).publicKey });
    const saying: Report = { ...report, gateways: [{ ...stolen, name: "gw" }] };
    const west = (number: number): Cluster => cluster("west", { status: { number, gateways: [gatewayRecord(0)] } });

    test("goes without that gateway, whatever its number: who had it first keeps it", () => {
      for (const number of [1, 3]) {
        const { gateways, conditions } = next({ ...fresh, number: 2 }, heard(0, saying), 0, undefined, [west(number)]);
        expect(gateways).toEqual([]);
        expect(conditions).toContainEqual(
          expect.objectContaining({ reason: "GatewayRefused", message: expect.stringContaining('of cluster "west"') }),
        );
      }
    });

    test("keeps it where both got it at once and its number is the lower, and else does not", () => {
      const both = { ...fresh, number: 2, gateways: saying.gateways };
      expect(next(both, heard(0, saying), 0, undefined, [west(3)]).gateways).toEqual(saying.gateways);
      expect(next(both, heard(0, saying), 0, undefined, [west(1)]).gateways).toEqual([]);
    });

    test("has it once the other is without it", () => {
      const after = next({ ...fresh, number: 2 }, heard(0, saying), 0, undefined, [cluster("west")]);
      expect(after.gateways).toEqual(saying.gateways);
    });
  });
});
