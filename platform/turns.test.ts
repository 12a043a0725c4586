import { expect, test } from "@jest/globals";
import { atMost, Turns } from "./turns.ts";

test("those who share a key act one after the other, also after one that failed", async () => {
  const turns = new Turns();
  const said: string[] = [];
  const first = Promise.withResolvers<void>();
  const one = turns.take("a", async () => {
    await first.promise;
    said.push("one");
    throw new Error("one failed");
  });
  const two = turns.take("a", async () => void said.push("two"));
  await turns.take("b", async () => void said.push("other"));
  first.resolve();
  await expect(one).rejects.toThrow("one failed");
  await two;
  expect(said).toEqual(["other", "one", "two"]);
});

test("no more than so many act at a time, and all do in the end", async () => {
  const limited = atMost(3);
  let acting = 0;
  let most = 0;
  const done = await Promise.allSettled(
    Array.from({ length: 20 }, (_, at) =>
      limited(async () => {
        acting += 1;
        most = Math.max(most, acting);
        await Promise.resolve();
        acting -= 1;
        if (at % 5 === 0) throw new Error("failed");
        return at;
      }),
    ),
  );
  expect(most).toBe(3);
  expect(done.filter(({ status }) => status === "fulfilled")).toHaveLength(16);
});
