import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { median, percentile, ratios, rounded } from "./stats.ts";

const numbers = fc.array(fc.integer({ min: -1000, max: 1000 }), { minLength: 1, maxLength: 50 });

test.each([
  [[3], 3],
  [[10, 1, 2], 2],
  [[4, 1, 3, 2], 2.5],
  [[], NaN],
])("the median of %j is %d", (values, middle) => {
  expect(median(values)).toBe(middle);
});

test.each([
  [50, 5],
  [90, 9],
  [91, 10],
  [99, 10],
  [100, 10],
  [0, 1],
])("the %dth percentile of one to ten is %d", (percent, value) => {
  expect(percentile([10, 9, 8, 7, 6, 5, 4, 3, 2, 1], percent)).toBe(value);
});

test("a percentile was measured, and so many per cent do not exceed it", () => {
  fc.assert(
    fc.property(numbers, fc.integer({ min: 1, max: 100 }), (values, percent) => {
      const found = percentile(values, percent);
      expect(values).toContain(found);
      expect(values.filter((value) => value <= found).length * 100).toBeGreaterThanOrEqual(percent * values.length);
    }),
  );
});

test("neither the median nor a percentile depends on the order, and both lie between the ends", () => {
  fc.assert(
    fc.property(numbers, (values) => {
      for (const summary of [median, (all: readonly number[]) => percentile(all, 99)]) {
        expect(summary(values.toReversed())).toBe(summary(values));
        expect(summary(values)).toBeGreaterThanOrEqual(Math.min(...values));
        expect(summary(values)).toBeLessThanOrEqual(Math.max(...values));
      }
    }),
  );
});

test("ratios are taken round by round", () => {
  expect(ratios([10, 9, 4], [5, 3, 8])).toEqual([2, 3, 0.5]);
});

test.each([
  [1.23456, 2, 1.23],
  [2, 3, 2],
])("%d with %d decimals is %d", (value, decimals, short) => {
  expect(rounded(value, decimals)).toBe(short);
});
