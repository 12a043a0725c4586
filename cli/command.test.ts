import { expect, test } from "@jest/globals";
import { collect, collectPairs } from "./command.ts";

test("a list may be given in one word or in several", () => {
  expect(collect("c,,d ", collect("a, b", undefined))).toEqual(["a", "b", "c", "d"]);
});

test("a pair is cut at its first equals sign", () => {
  expect(collectPairs("expr=a=b", collectPairs("tier=prod"))).toEqual({ tier: "prod", expr: "a=b" });
  expect(collectPairs("empty=")).toEqual({ empty: "" });
});

test.each(["", "tier", "=prod"])("%j is no pair", (text) => {
  expect(() => collectPairs(text)).toThrow("Write it as KEY=VALUE.");
});
