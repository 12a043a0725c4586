import { expect, test } from "@jest/globals";
import { combinePairs, compareByBadness, PairSurvey } from "./pair-state.ts";
import type { PairState, PairStatus } from "./resources.ts";

const pair = (state: PairState, changes: Partial<PairStatus> = {}): PairStatus => ({
  from: "east",
  to: "west",
  tunnel: "WireGuard",
  state,
  reason: "Heard",
  message: state.toLowerCase(),
  since: "2026-01-01T00:00:00Z",
  ...changes,
});

test("the worst come first, equals by name", () => {
  const pairs = [pair("Up"), pair("Unreachable"), pair("Degraded", { to: "north" }), pair("Degraded", { to: "edge" })];
  expect(pairs.toSorted(compareByBadness).map(({ state, to }) => `${state} ${to}`)).toEqual([
    "Unreachable west",
    "Degraded edge",
    "Degraded north",
    "Up west",
  ]);
});

test.each<[PairState[], PairState, string]>([
  [["Up"], "Up", "up"],
  [["Up", "Up"], "Up", "up"],
  [["Up", "Unreachable"], "Degraded", "not by every gateway: unreachable"],
  [["Unreachable", "Up", "Pending"], "Degraded", "not by every gateway: unreachable"],
  [["Unreachable", "Pending"], "Pending", "pending"],
  [["Doubtful", "Unreachable"], "Doubtful", "doubtful"],
  [["Degraded", "Unreachable"], "Degraded", "degraded"],
])("gateways that say %j are %s together", ([first, ...more], state, message) => {
  expect(combinePairs([pair(first ?? "Up"), ...more.map((each) => pair(each))])).toMatchObject({ state, message });
});

test("gateways that say no words are told by their reason", () => {
  const quiet = pair("Doubtful", { reason: "Silent", message: "" });
  expect(combinePairs([pair("Up"), quiet]).message).toBe("not by every gateway: Silent");
});

test("of many pairs every state is counted, and the worst that are not Up are named", () => {
  const states = ["Up", "Doubtful", "Up", "Degraded", "Unreachable"] as const;
  const pairs = states.map((state, at) => pair(state, { to: `c${at}` }));
  const survey = (most: number): PairSurvey => {
    const all = new PairSurvey(most);
    for (const each of pairs) all.add(each);
    return all;
  };
  expect(survey(2).counts).toEqual({ Up: 2, Degraded: 1, Doubtful: 1, Unreachable: 1, Pending: 0 });
  expect(survey(2).worst).toEqual([pairs[4], pairs[1]]);
  expect(survey(50).worst).toEqual([pairs[4], pairs[1], pairs[3]]);
});
