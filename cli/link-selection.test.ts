import { expect, test } from "@jest/globals";
import { readLinkWords, WordsDisagree } from "./link-selection.ts";
import type { LinkWords } from "./link-selection.ts";

test.each<[LinkWords, unknown]>([
  [{ members: ["east", "west", "east"] }, { members: { names: ["east", "west"] } }],
  [{ selector: ["tier=prod", "zone=a=b"] }, { members: { matchLabels: { tier: "prod", zone: "a=b" } } }],
  [{ members: ["east"], selector: ["tier=prod"] }, { members: { names: ["east"], matchLabels: { tier: "prod" } } }],
  [
    { from: ["core"], to: ["tier=edge"] },
    { from: { names: ["core"] }, to: { matchLabels: { tier: "edge" } } },
  ],
])("%j selects %j", (words, spec) => {
  expect(readLinkWords(words)).toEqual(spec);
});

test.each<[LinkWords, string]>([
  [{}, "say who"],
  [{ members: ["east"] }, "at least two clusters, and --members names only east"],
  [{ members: ["east", "east"] }, "at least two clusters"],
  [{ from: ["core"] }, "--from and --to go together"],
  [{ to: ["core"] }, "--from and --to go together"],
  [{ from: ["core"], to: [] }, "--from and --to go together"],
  [{ selector: ["tier=a", "tier=b"] }, "no cluster carries both tier=a and tier=b"],
  [{ members: ["a", "b"], from: ["c"], to: ["d"] }, "not both"],
])("%j is refused: %s", (words, reason) => {
  expect(() => readLinkWords(words)).toThrow(WordsDisagree);
  expect(() => readLinkWords(words)).toThrow(reason);
});

test("a name that is none is refused as such", () => {
  expect(() => readLinkWords({ members: ["east", "*"] })).toThrow('"*" is not a name');
});
