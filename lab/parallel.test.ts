import { expect, test } from "@jest/globals";
import { setImmediate as turn } from "node:timers/promises";
import { eachSettled, inParallel } from "./parallel.ts";

test("no more are under way at once than are allowed, all are done, and a failure stops none", async () => {
  let now = 0;
  let most = 0;
  const results = await eachSettled([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
    most = Math.max(most, (now += 1));
    for (let turns = 8 - item; turns > 0; turns -= 1) await turn();
    now -= 1;
    if (item === 2) throw new Error("two");
    return item * 10;
  });
  expect(most).toBe(3);
  expect(results.map((result) => (result.status === "fulfilled" ? result.value : "failed"))).toEqual([
    10,
    "failed",
    30,
    40,
    50,
    60,
    70,
  ]);
  expect(await eachSettled([], 3, () => Promise.resolve())).toEqual([]);
});

test("the first failure stops the others by their signal, and is what is thrown", async () => {
  const ended: string[] = [];
  const patient = async (signal: AbortSignal): Promise<void> => {
    while (!signal.aborted) await turn();
    ended.push("patient");
    throw new Error("stopped");
  };
  const hasty = () => Promise.reject(new Error("first"));
  await expect(inParallel(new AbortController().signal, [patient, hasty])).rejects.toThrow("first");
  expect(ended).toEqual(["patient"]);
});
