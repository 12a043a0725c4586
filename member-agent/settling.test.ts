import { expect, test } from "@jest/globals";
import { manualClock } from "../platform/testing/manual-clock.ts";
import { settling } from "./settling.ts";

function stage() {
  const clock = manualClock();
  const life = new AbortController();
  const actedMs: number[] = [];
  const change = settling(clock, 200, () => actedMs.push(clock.monotonic()), life.signal);
  return { clock, life, actedMs, change };
}

test("a change is acted on at once, and what follows it once more when it has settled", async () => {
  const { clock, actedMs, change } = stage();
  change();
  expect(actedMs).toEqual([0]);
  for (let at = 0; at < 5; at++) {
    await clock.advance(10);
    change();
  }
  await clock.advance(1_000);
  expect(actedMs).toEqual([0, 200]);
  change();
  expect(actedMs).toEqual([0, 200, 1_050]);
});

test("a stream of changes without end is acted on at intervals", async () => {
  const { clock, actedMs, change } = stage();
  for (let at = 0; at < 100; at++) {
    change();
    await clock.advance(10);
  }
  expect(actedMs).toEqual([0, 200, 400, 600, 800, 1_000]);
});

test("a change that the act itself makes is acted on later, and nothing after the end", async () => {
  const clock = manualClock();
  const life = new AbortController();
  let acts = 0;
  const change = settling(
    clock,
    200,
    () => {
      acts += 1;
      if (acts === 1) change();
    },
    life.signal,
  );
  change();
  expect(acts).toBe(1);
  await clock.advance(200);
  expect(acts).toBe(2);
  change();
  life.abort();
  await clock.advance(500);
  change();
  expect(acts).toBe(2);
});
