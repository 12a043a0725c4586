import { expect, test } from "@jest/globals";
import type { Absences } from "./absences.ts";
import { GONE_AFTER_MS, goneAt, NO_ABSENCES, noteAbsences } from "./absences.ts";

/** What an observer knows that saw these at these seconds. */
const seen = (...looks: readonly (readonly [second: number, ...missing: string[]])[]): Absences =>
  looks.reduce((known, [second, ...missing]) => noteAbsences(known, missing, second * 1_000), NO_ABSENCES);
const gone = (known: Absences, second: number) => [...goneAt(known, second * 1_000)];

test("what was missing at every look for a minute is gone", () => {
  const known = seen([0, "a"], [20, "a", "b"], [40, "a", "b"], [60, "a", "b"]);
  expect(gone(known, 59.9)).toEqual([]);
  expect(gone(known, 60)).toEqual(["a"]);
  expect(GONE_AFTER_MS).toBe(60_000);
});

test("what was there once in between is missing anew", () => {
  const known = seen([0, "a"], [20, "a"], [40], [60, "a"]);
  expect(gone(known, 60)).toEqual([]);
  expect(gone(known, 120)).toEqual(["a"]);
});

test("an observer that could not look for a while begins anew", () => {
  expect(gone(seen([0, "a"], [20, "a"], [60, "a"]), 60)).toEqual([]);
  expect(gone(seen([0, "a"], [20, "a"], [50, "a"], [60, "a"]), 60)).toEqual(["a"]);
});
