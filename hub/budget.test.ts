import { expect, test } from "@jest/globals";
import { manualClock } from "../platform/testing/manual-clock.ts";
import { Budgets } from "./budget.ts";

test("a burst is heard, what goes beyond it is not, and silence earns it back", async () => {
  const clock = manualClock();
  const budgets = new Budgets(clock, { perSecond: 2, burst: 3 });
  const heard = (times: number): number =>
    Array.from({ length: times }, () => budgets.take("east")).filter(Boolean).length;
  expect(heard(10)).toBe(3);
  await clock.advance(1_000);
  expect(heard(10)).toBe(2);
  await clock.advance(60_000);
  expect(heard(10)).toBe(3);
});

test("one that says too much takes nothing from the others", () => {
  const budgets = new Budgets(manualClock(), { perSecond: 1, burst: 1 });
  expect([budgets.take("east"), budgets.take("east"), budgets.take("west")]).toEqual([true, false, true]);
});
