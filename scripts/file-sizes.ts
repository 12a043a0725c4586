import path from "node:path";
import { lengthViolations } from "../test/house/files.ts";
import { isTestCode, lineCount, readTree } from "../test/house/source.ts";

/** Prints how long the files are (the middle one, the one that 9 of 10 stay below, the longest) and which are too long. */
const tree = readTree(path.join(import.meta.dirname, ".."));
const files = tree
  .filter((file) => file.path.endsWith(".ts"))
  .map((file) => ({ path: file.path, lines: lineCount(file.text) }))
  .sort((a, b) => a.lines - b.lines);

for (const [name, group] of [
  ["code", files.filter((file) => !isTestCode(file.path))],
  ["tests", files.filter((file) => isTestCode(file.path))],
] as const) {
  const at = (share: number) => group[Math.ceil(share * group.length) - 1];
  const longest = group.at(-1);
  const figures = `median ${at(0.5)?.lines} lines, p90 ${at(0.9)?.lines}, max ${longest?.lines} (${longest?.path})`;
  console.log(`${name}: ${group.length} files, ${figures}`);
}

const violations = lengthViolations(tree);
for (const violation of violations) console.log(violation);
process.exitCode = violations.length === 0 ? 0 : 1;
