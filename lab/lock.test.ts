import { expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../platform/clock.ts";
import { withLock } from "./lock.ts";

test("only one is inside at a time, and a failure lets the next in", async () => {
  const name = randomUUID();
  let inside = 0;
  const turns = Array.from({ length: 8 }, (_, at) =>
    withLock(name, { clock: systemClock }, async () => {
      inside += 1;
      expect(inside).toBe(1);
      await delay(2);
      inside -= 1;
      if (at % 2 === 1) throw new Error("odd");
      return at;
    }),
  );
  const settled = await Promise.allSettled(turns);
  expect(settled.filter(({ status }) => status === "fulfilled")).toHaveLength(4);
});

test("who waits is told so once, and may give up", async () => {
  const name = randomUUID();
  const held = Promise.withResolvers<void>();
  const holder = withLock(name, { clock: systemClock }, () => held.promise);
  const stop = new AbortController();
  let told = 0;
  const onWaiting = (): void => {
    told += 1;
    setTimeout(() => stop.abort(), 20);
  };
  const waiter = withLock(name, { clock: systemClock, signal: stop.signal, onWaiting }, () => "inside");
  await expect(waiter).rejects.toMatchObject({ code: "aborted" });
  expect(told).toBe(1);
  held.resolve();
  await holder;
});

test("who waits for long is no leak", async () => {
  const warnings: Error[] = [];
  const onWarning = (warning: Error): void => void warnings.push(warning);
  process.on("warning", onWarning);
  try {
    const name = randomUUID();
    const holder = withLock(name, { clock: systemClock }, () => delay(200));
    await withLock(name, { clock: systemClock }, () => undefined);
    await holder;
    await delay(1);
    expect(warnings).toEqual([]);
  } finally {
    process.off("warning", onWarning);
  }
});
