import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { expect, test } from "@jest/globals";
import TotalsReporter, { skippedLines, totalsOf } from "./totals.ts";

const results = {
  numPassedTests: 5,
  numFailedTests: 1,
  numPendingTests: 1,
  numTodoTests: 1,
  numRuntimeErrorTestSuites: 2,
  testResults: [
    {
      testFilePath: "/checkout/mesh/cidr.test.ts",
      testResults: [
        { fullName: "adds", status: "passed" },
        { fullName: "reaches a pod (needs root)", status: "pending" },
        { fullName: "later", status: "todo" },
      ],
    },
  ],
};

test("a suite that can't load counts as a failure, a todo as skipped", () => {
  expect(totalsOf(results)).toEqual({ passed: 5, failed: 3, skipped: 2 });
});

test("every test that did not run is named with its file", () => {
  expect(skippedLines(results, "/checkout")).toEqual([
    "skipped: reaches a pod (needs root) [mesh/cidr.test.ts]",
    "skipped: later [mesh/cidr.test.ts]",
  ]);
});

test("the totals are written where scripts/test reads them", () => {
  const folder = mkdtempSync(path.join(tmpdir(), "trestle-totals-"));
  const file = path.join(folder, "totals");
  new TotalsReporter({ rootDir: "/checkout" }, { file }).onRunComplete([], { ...results, testResults: [] });
  expect(readFileSync(file, "utf8")).toBe("5 3 2\n");
  rmSync(folder, { recursive: true });
});
