import path from "node:path";
import type { SourceModule } from "./module.ts";
import { isTestCode, lineCount, type SourceFile } from "./source.ts";

/** Lines a file may have; generated files and tables of test cases aside (STYLE: "Files and names"). */
export const LONGEST_FILE = 300;

/** Jest takes a reporter as a default export only. */
const DEFAULT_EXPORT_NEEDED = /^test\/reporters\//;

const GENERATED = /\.generated\.ts$|(^|\/)generated\//;

/** Barrels, default exports and shared state, one sentence each. */
export function moduleViolations(modules: readonly SourceModule[]): string[] {
  return modules.flatMap((module) => [
    ...(module.isBarrel || path.posix.basename(module.path) === "index.ts"
      ? [`${module.path} is a barrel; import from the file that has the thing`]
      : []),
    ...(module.hasDefaultExport && !DEFAULT_EXPORT_NEEDED.test(module.path)
      ? [`${module.path} has a default export; give it a name`]
      : []),
    ...(isTestCode(module.path) ? [] : module.state.map((name) => `${module.path} keeps state in its module: ${name}`)),
  ]);
}

/** Files past {@link LONGEST_FILE} lines. */
export function lengthViolations(files: readonly SourceFile[]): string[] {
  return files
    .filter(({ path: file }) => file.endsWith(".ts") && !file.endsWith(".test.ts") && !GENERATED.test(file))
    .map((file) => ({ path: file.path, lines: lineCount(file.text) }))
    .filter(({ lines }) => lines > LONGEST_FILE)
    .map((file) => `${file.path} has ${file.lines} lines; split it before ${LONGEST_FILE}`);
}
