import { expect, test } from "@jest/globals";
import { MeshError } from "../platform/errors.ts";
import { explainError } from "./error-text.ts";

const refused = new MeshError("cidr-overlap", "10.2.0.0/16 is taken; pick another", {
  retry: false,
  cause: new Error("the ledger said so"),
});

test("a refusal is one line, its sentence", () => {
  expect(explainError(refused, { output: "table", verbose: false })).toBe(
    "error: 10.2.0.0/16 is taken; pick another\n",
  );
});

test("its code is shown in wide output", () => {
  expect(explainError(refused, { output: "wide", verbose: false })).toBe(
    "error (cidr-overlap): 10.2.0.0/16 is taken; pick another\n",
  );
});

test("--verbose shows where it came from and what was below it", () => {
  const text = explainError(refused, { output: "table", verbose: true });
  expect(text).toMatch(/^error \(cidr-overlap\): .*\n {4}at /);
  expect(text).toContain("caused by: the ledger said so");
});

test("a fault of the program itself is called one", () => {
  expect(explainError(new TypeError("x is not a function"), { output: "table", verbose: false })).toBe(
    "error: x is not a function\nThis is a fault of trestle itself; the same command with --verbose shows where.\n",
  );
});
