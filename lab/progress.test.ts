import { expect, test } from "@jest/globals";
import { setImmediate as turn } from "node:timers/promises";
import type { Clock } from "../platform/clock.ts";
import { createProgress } from "./progress.ts";

/** A clock that moves when it is told. */
function handClock(): Clock & { at: number } {
  const clock = {
    at: 0,
    now: () => clock.at,
    monotonic: () => clock.at,
    sleep: (_: number, signal: AbortSignal) =>
      new Promise<void>((done) => signal.addEventListener("abort", () => done())),
  };
  return clock;
}

test("each step is a line with its time, and a failure says why", async () => {
  const clock = handClock();
  let said = "";
  const progress = createProgress({ write: (text) => (said += text), clock, live: false, colour: false });
  await progress.step("one", async () => {
    clock.at += 1_234;
    await turn();
  });
  await expect(progress.step("two", () => Promise.reject(new Error("no luck\nand more")))).rejects.toThrow("no luck");
  expect(said).toBe("  ✔ one 1.2 s\n  ✘ two (0.0 s): no luck\n");
});

test("on a terminal what is under way is drawn below what is done, over what was drawn before", async () => {
  const clock = handClock();
  const writes: string[] = [];
  const progress = createProgress({ write: (text) => writes.push(text), clock, live: true, colour: false });
  const slow = Promise.withResolvers<void>();
  const both = Promise.all([progress.step("slow", () => slow.promise), progress.step("quick", () => turn())]);
  await turn();
  await turn();
  progress.say("note");
  slow.resolve();
  await both;
  expect(writes).toEqual([
    "  ✔ quick 0.0 s\n  ⠋ slow 0.0 s\n",
    "\u001b[1A\u001b[Jnote\n  ⠋ slow 0.0 s\n",
    "\u001b[1A\u001b[J  ✔ slow 0.0 s\n",
  ]);
});
