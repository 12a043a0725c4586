import { describe, expect, test } from "@jest/globals";
import { systemClock } from "./clock.ts";
import { manualClock } from "./testing/manual-clock.ts";

const never = new AbortController().signal;

describe.each([
  ["the system's clock", () => ({ clock: systemClock, advance: async () => undefined })],
  ["a test's clock", () => ({ clock: manualClock(), advance: undefined })],
])("%s", (_, make) => {
  test("sleeps no shorter than asked", async () => {
    const { clock } = make();
    const start = clock.monotonic();
    const asleep = clock.sleep(30, never);
    if ("advance" in clock) await (clock as ReturnType<typeof manualClock>).advance(30);
    await asleep;
    // Node's timers count whole milliseconds of a clock that may be one behind.
    expect(clock.monotonic() - start).toBeGreaterThanOrEqual(29);
  });

  test("wakes at once when the signal aborts, without an error", async () => {
    const { clock } = make();
    const controller = new AbortController();
    const asleep = clock.sleep(3_600_000, controller.signal);
    controller.abort();
    await asleep;
    await clock.sleep(3_600_000, controller.signal);
  });
});

test("a test's clock wakes sleepers in the order of their time, also those that sleep again", async () => {
  const clock = manualClock(0);
  const seen: string[] = [];
  const sleeper = async (name: string, naps: readonly number[]) => {
    for (const ms of naps) {
      await clock.sleep(ms, never);
      seen.push(`${name}@${clock.now()}`);
    }
  };
  void sleeper("a", [10, 10]);
  void sleeper("b", [15]);
  await clock.advance(20);
  expect(seen).toEqual(["a@10", "b@15", "a@20"]);
});
