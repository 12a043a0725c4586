import { describe, expect, test } from "@jest/globals";
import type { Report } from "../crds/wire/report.ts";
import type { GatewayRecord, PairState, PairStatus } from "../mesh/resources.ts";
import { gatewayRecord } from "../mesh/testing/gateways.ts";
import { ReportBook } from "./reports.ts";

const START = Date.parse("2026-01-01T00:00:00Z");
const at = (seconds: number): number => START + seconds * 1_000;

const pair = (state: PairState, from = "east", to = "west"): PairStatus => ({
  from,
  to,
  tunnel: "WireGuard",
  state,
  reason: state,
  message: state,
  since: "2026-01-01T00:00:00Z",
});
const said = (state: PairState, generation = 1): Report => ({
  gateways: [],
  leads: false,
  applied: { epoch: 1, generation },
  pairs: [pair(state)],
});

describe("what a member's gateways say", () => {
  test("is taken together: degraded where not all are well, the oldest revision of those that speak", () => {
    const reports = new ReportBook();
    reports.record("east", "gw1", said("Up", 3), at(0));
    reports.record("east", "gw2", said("Unreachable", 2), at(1));
    expect(reports.pair("east", "west", at(2))).toMatchObject({ state: "Degraded" });
    expect(reports.applied("east", at(2))).toEqual({ epoch: 1, generation: 2 });
    expect(reports.lastSeenMs("east")).toBe(at(1));
  });

  test("counts no more a minute later, when another still speaks", () => {
    const reports = new ReportBook();
    reports.record("east", "gw1", said("Unreachable", 1), at(0));
    reports.record("east", "gw2", said("Up", 2), at(50));
    expect(reports.pair("east", "west", at(61))).toMatchObject({ state: "Up" });
    expect(reports.applied("east", at(61))).toEqual({ epoch: 1, generation: 2 });
  });

  test("is doubtful once all are silent, in words that stay the same: no write without a change", () => {
    const reports = new ReportBook();
    reports.record("east", "gw", said("Up"), at(0));
    const doubt = reports.pair("east", "west", at(61));
    expect(doubt).toMatchObject({
      state: "Doubtful",
      reason: "MemberSilent",
      message: 'cluster "east" has not reported since 2026-01-01T00:00:00.000Z; until then it said Up',
    });
    expect(reports.pair("east", "west", at(600))).toEqual(doubt);
    expect(reports.applied("east", at(61))).toBeUndefined();
  });

  test("is nothing before it spoke, and nothing after it was forgotten", () => {
    const reports = new ReportBook();
    expect(reports.pair("east", "west", at(0))).toBeUndefined();
    reports.record("east", "gw", said("Up"), at(0));
    reports.forget("east");
    expect(reports.pair("east", "west", at(0))).toBeUndefined();
    expect(reports.lastSeenMs("east")).toBeUndefined();
  });

  test("is said for itself, whatever it writes down as the sender", () => {
    const reports = new ReportBook();
    reports.record("east", "gw", { ...said("Up"), pairs: [pair("Unreachable", "edge")] }, at(0));
    expect(reports.pair("east", "west", at(0))).toMatchObject({ from: "east", state: "Unreachable" });
    expect(reports.pair("edge", "west", at(0))).toBeUndefined();
  });

  test("takes no more room than sixteen gateways do, by however many names they speak", () => {
    const reports = new ReportBook();
    for (let n = 0; n < 1_000; n += 1) reports.record("east", `gw${n}`, said("Unreachable", 1), at(0));
    for (let n = 0; n < 16; n += 1) reports.record("east", `now${n}`, said("Up", 2), at(1));
    expect(reports.applied("east", at(1))).toEqual({ epoch: 1, generation: 2 });
    expect(reports.pair("east", "west", at(1))).toMatchObject({ state: "Up" });
  });
});

describe("a member's gateways", () => {
  const [a, b, c] = ["a", "b", "c"].map((name, rank) => gatewayRecord(rank, { name })) as [
    GatewayRecord,
    GatewayRecord,
    GatewayRecord,
  ];
  const moved = (one: GatewayRecord): GatewayRecord => ({ ...one, endpoints: ["192.0.2.99"] });
  const listing = (leads: boolean, ...gateways: GatewayRecord[]): Report => ({ ...said("Up"), leads, gateways });

  test("are what they were before any of them spoke", () => {
    expect(new ReportBook().gateways("east", [a, b], at(0))).toEqual([a, b]);
  });

  test("each speak for themselves: an old list of one undoes nothing that another says, however they take turns", () => {
    const reports = new ReportBook();
    for (let round = 0; round < 4; round += 1) {
      reports.record("east", "a", listing(true, moved(a), b), at(round * 15));
      expect(reports.gateways("east", [a, b], at(round * 15))).toEqual([moved(a), b]);
      reports.record("east", "b", listing(false, a, b, c), at(round * 15 + 1));
      expect(reports.gateways("east", [a, b], at(round * 15 + 1))).toEqual([moved(a), b]);
    }
  });

  test("are not undone by an empty list, of one of them or of all", () => {
    const reports = new ReportBook();
    reports.record("east", "a", listing(true, a, b), at(0));
    reports.record("east", "b", listing(false), at(1));
    expect(reports.gateways("east", [a, b], at(1))).toEqual([a, b]);
    reports.record("east", "a", listing(false), at(2));
    expect(reports.gateways("east", [a, b], at(2))).toEqual([a, b]);
    reports.record("east", "a", listing(true), at(3));
    expect(reports.gateways("east", [a, b], at(3))).toEqual([a, b]);
  });

  test("are gone as soon as the one that leads does not list them any more", () => {
    const reports = new ReportBook();
    reports.record("east", "a", listing(true, a, b, c), at(0));
    reports.record("east", "b", listing(false, b), at(0));
    reports.record("east", "a", listing(true, a), at(1));
    expect(reports.gateways("east", [a, b, c], at(1))).toEqual([a]);
  });

  test("are as the one that leads says while they are silent themselves", () => {
    const reports = new ReportBook();
    reports.record("east", "b", listing(false, b), at(0));
    reports.record("east", "a", listing(true, a, moved(b)), at(50));
    expect(reports.gateways("east", [a, b], at(60))).toEqual([a, b]);
    expect(reports.gateways("east", [a, b], at(61))).toEqual([a, moved(b)]);
  });

  test("follow the newest of those that led, and while nobody leads they are what they were", () => {
    const reports = new ReportBook();
    reports.record("east", "a", listing(true, a, b), at(0));
    reports.record("east", "b", listing(true, b, c), at(10));
    expect(reports.gateways("east", [a, b], at(10))).toEqual([b, c]);
    reports.record("east", "c", listing(false, moved(c)), at(60));
    expect(reports.gateways("east", [b, c], at(71))).toEqual([b, moved(c)]);
  });

  test("are those that speak while nobody leads, and one that took a silent one's rank has it", () => {
    const reports = new ReportBook();
    const taker = gatewayRecord(1, { name: "d" });
    reports.record("east", "a", listing(false, moved(a)), at(0));
    reports.record("east", "d", listing(false, taker), at(1));
    expect(reports.gateways("east", [a, b, c], at(1))).toEqual([moved(a), taker, c]);
  });
});
