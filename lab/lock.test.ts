import { expect, test } from "@jest/globals";
import { randomUUID } from "node:crypto";
import { setTimeout as delay } from "node:timers/promises";
import { systemClock } from "../platform/clock.ts";
import { withLock } from "./lock.ts";

test("only one is inside at a time, and a failure lets the next in", async () => {
  const name = randomUUID();
  let inside = 0;
  const turns = Array.from({ length: 8 }, (_, at) =>
    withLock(name, systemClock, async () => {
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
