import { writeFileSync } from "node:fs";
import path from "node:path";

interface CaseResult {
  readonly fullName: string;
  readonly status: string;
}

interface RunResults {
  readonly numPassedTests: number;
  readonly numFailedTests: number;
  readonly numPendingTests: number;
  readonly numTodoTests: number;
  readonly numRuntimeErrorTestSuites: number;
  readonly testResults: readonly { readonly testFilePath: string; readonly testResults: readonly CaseResult[] }[];
}

/**
 * What a whole jest run came to. A suite that can't even load has no failed test in jest's own count, so each such suite
 * counts as one failure here.
 */
export function totalsOf(results: RunResults): { passed: number; failed: number; skipped: number } {
  return {
    passed: results.numPassedTests,
    failed: results.numFailedTests + results.numRuntimeErrorTestSuites,
    skipped: results.numPendingTests + results.numTodoTests,
  };
}

/** One line a test that did not run; its name is where the reason stands: `… (needs root)`. */
export function skippedLines(results: RunResults, root: string): string[] {
  return results.testResults.flatMap((suite) =>
    suite.testResults
      .filter(({ status }) => status === "pending" || status === "todo")
      .map(({ fullName }) => `skipped: ${fullName} [${path.relative(root, suite.testFilePath)}]`),
  );
}

/**
 * Jest reporter: names the skipped tests and writes `PASSED FAILED SKIPPED` into the file that TEST_TOTALS names, where
 * scripts/test reads it. Jest takes a reporter as a default export only.
 */
export default class TotalsReporter {
  readonly #root: string;
  readonly #file: string | undefined;

  constructor(config: { readonly rootDir: string }, options: { readonly file?: string } = {}) {
    this.#root = config.rootDir;
    this.#file = options.file ?? process.env["TEST_TOTALS"];
  }

  onRunComplete(_contexts: unknown, results: RunResults): void {
    for (const line of skippedLines(results, this.#root)) console.error(line);
    const { passed, failed, skipped } = totalsOf(results);
    if (this.#file !== undefined) writeFileSync(this.#file, `${passed} ${failed} ${skipped}\n`);
  }
}
