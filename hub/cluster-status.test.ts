import { describe, expect, test } from "@jest/globals";
import type { Report } from "../crds/wire/report.ts";
import type { ClusterStatus } from "../mesh/resources.ts";
import { cluster } from "../mesh/testing/objects.ts";
import { nextStatus } from "./cluster-status.ts";
import { ReportBook } from "./reports.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number): number => START + seconds * 1_000;
const report: Report = { gateways: [], applied: { epoch: 1, generation: 1 }, pairs: [] };

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
): ClusterStatus => nextStatus("east", before, { reports, desired, nowMs: at(seconds) });

const fresh = cluster("east").status;

describe("the status of a cluster", () => {
  test.each([report, { gateways: [], pairs: [] }])(
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
});
