import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { renderTable } from "./table.ts";
import type { Column, TableOptions } from "./table.ts";

interface Row {
  readonly name: string;
  readonly state: string;
  readonly note: string;
}

const columns: readonly Column<Row>[] = [
  { title: "NAME", cell: ({ name }) => name },
  { title: "STATE", cell: ({ state }) => ({ text: state, tone: "good" }) },
  { title: "NOTE", wide: true, cell: ({ note }) => note },
];
const plain: TableOptions = { wide: false, now: 0, paint: (text) => text };
const rows: readonly Row[] = [
  { name: "east", state: "Up", note: "" },
  { name: "west-of-nowhere", state: "Unreachable", note: "ünïcode" },
];

test("columns are aligned by spaces, without borders and without trailing space", () => {
  expect(renderTable(columns, rows, plain)).toBe(
    ["NAME              STATE", "east              Up", "west-of-nowhere   Unreachable", ""].join("\n"),
  );
});

test("wide shows more columns, and an empty cell as a dash", () => {
  expect(renderTable(columns, rows, { ...plain, wide: true })).toBe(
    [
      "NAME              STATE         NOTE",
      "east              Up            -",
      "west-of-nowhere   Unreachable   ünïcode",
      "",
    ].join("\n"),
  );
});

test("colour changes no width", () => {
  const painted = renderTable(columns, rows, { wide: true, now: 0, paint: (text) => `\u001B[32m${text}\u001B[39m` });
  expect(painted.replaceAll(/\u001B\[\d+m/g, "")).toBe(renderTable(columns, rows, { ...plain, wide: true }));
});

test("whatever is in a cell, a row is one line of as many cells and moves no cursor", () => {
  fc.assert(
    fc.property(fc.array(fc.string({ unit: "binary" })), (names) => {
      const text = renderTable(
        columns,
        names.map((name) => ({ name, state: "Up", note: "x" })),
        plain,
      );
      expect(text.split("\n")).toHaveLength(names.length + 2);
      expect(text.replaceAll("\n", "")).not.toMatch(/\p{Cc}/u);
    }),
  );
});
