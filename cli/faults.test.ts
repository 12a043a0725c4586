import { expect, test } from "@jest/globals";
import { inTypedWords, refuseFaults } from "./faults.ts";

test("one fault is a sentence, several are a list, none is nothing", () => {
  const [bad, worse] = [
    { code: "bad-address", message: "--gateway: x is none" },
    { code: "bad-range", message: "--range: y is none" },
  ];
  expect(() => refuseFaults([])).not.toThrow();
  expect(() => refuseFaults([bad])).toThrow("--gateway: x is none; nothing was changed");
  expect(() => refuseFaults([bad, worse])).toThrow(
    "2 faults, nothing was changed:\n  --gateway: x is none\n  --range: y is none",
  );
});

test.each([
  ["spec.excludeIPs[2]: 10.0.0.1 does not lie inside", "--exclude: 10.0.0.1 does not lie inside"],
  ["spec.range.start: fd00::: is none", "--range: fd00::: is none"],
  ['metadata.name: "A" is not a name', '"A" is not a name'],
  ["a cluster has one overlay: mine", "a cluster has one overlay: mine"],
])("%p is told as %p", (message, typed) => {
  expect(inTypedWords({ code: "bad-spec", message })).toEqual({ code: "bad-spec", message: typed });
});
