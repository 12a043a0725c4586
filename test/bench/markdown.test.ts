import { expect, test } from "@jest/globals";
import { drawTable, putSection } from "./markdown.ts";

test("a table has a head, and numbers to the right", () => {
  expect(drawTable(["way", "p50"], [["near", 1.5]])).toBe("| way | p50 |\n| --- | ---: |\n| near | 1.5 |\n");
});

test.each([
  ["# Title\n", "# Title\n\n## A\n\nnew\n"],
  ["# Title\n\n## A\n\nold\nolder\n", "# Title\n\n## A\n\nnew\n"],
  ["# Title\n\n## A\n\nold\n\n## B\n\nkept\n", "# Title\n\n## A\n\nnew\n\n## B\n\nkept\n"],
  ["# Title\n\n## AB\n\nkept\n", "# Title\n\n## AB\n\nkept\n\n## A\n\nnew\n"],
])("a section takes the place of the one with its heading in %j", (before, after) => {
  expect(putSection(before, "## A\n\nnew\n")).toBe(after);
  expect(putSection(after, "## A\n\nnew\n")).toBe(after);
});
