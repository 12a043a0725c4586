import { expect, test } from "@jest/globals";
import { SetsByKey } from "./sets-by-key.ts";

test("values are found by their key, each once, in the order in which they came", () => {
  const sets = new SetsByKey<string, number>();
  for (const value of [3, 1, 3]) sets.add("a", value);
  sets.add("b", 2);
  expect([sets.get("a"), sets.get("b"), sets.get("c")]).toEqual([[3, 1], [2], []]);
});

test("a value that goes from key to key leaves nothing behind", () => {
  const sets = new SetsByKey<number, string>();
  for (let key = 0; key < 100; key += 1) {
    sets.delete(key - 1, "10.0.0.1");
    sets.add(key, "10.0.0.1");
  }
  expect([sets.size, sets.get(99)]).toEqual([1, ["10.0.0.1"]]);
});
