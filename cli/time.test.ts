import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { age, readDuration, since } from "./time.ts";

const SECOND = 1_000;
const MINUTE = 60 * SECOND;
const HOUR = 60 * MINUTE;
const DAY = 24 * HOUR;

test.each([
  [0, "0s"],
  [-5 * SECOND, "0s"],
  [45 * SECOND, "45s"],
  [119 * SECOND, "119s"],
  [2 * MINUTE, "2m"],
  [119 * MINUTE, "119m"],
  [2 * HOUR, "2h"],
  [47 * HOUR, "47h"],
  [2 * DAY, "2d"],
  [400 * DAY, "400d"],
])("%i ms is shown as %s", (ms, text) => {
  expect(age(ms)).toBe(text);
});

test.each([
  ["2026-11-21T08:00:00Z", "30m"],
  ["2026-11-21T09:00:00Z", "0s"],
  [undefined, "-"],
  ["yesterday", "-"],
])("%s was %s ago", (time, text) => {
  expect(since(time, Date.parse("2026-11-21T08:30:00Z"))).toBe(text);
});

test.each([
  ["90s", 90],
  ["30m", 1_800],
  ["24h", 86_400],
  ["7d", 604_800],
])("%s is %i seconds", (text, seconds) => {
  expect(readDuration(text)).toEqual({ value: seconds });
});

test.each([
  ["24", "is not a time span"],
  ["1h30m", "is not a time span"],
  ["-1h", "is not a time span"],
  ["", "is not a time span"],
  ["0s", "is over before it began"],
  ["366d", "is longer than a year"],
])("the time span %p is refused: %s", (text, reason) => {
  expect(readDuration(text).refusal?.message).toContain(reason);
});

test("what an age shows can be typed as a time span again", () => {
  fc.assert(
    fc.property(fc.integer({ min: 1, max: 365 * 86_400 }), (seconds) => {
      const read = readDuration(age(seconds * SECOND)).value ?? 0;
      expect(read).toBeLessThanOrEqual(seconds);
      expect(read).toBeGreaterThan(seconds / 2);
    }),
  );
});
