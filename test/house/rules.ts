import { contentViolations } from "./content.ts";
import { cycleViolations } from "./cycles.ts";
import { moduleViolations } from "./files.ts";
import { layerViolations } from "./layers.ts";
import { parseModule } from "./module.ts";
import type { SourceFile } from "./source.ts";

/** What breaks the rules of the house, lengths of files aside; one sentence each, none when the tree keeps them. */
export function houseViolations(files: readonly SourceFile[]): string[] {
  const modules = files.filter(({ path }) => path.endsWith(".ts")).map(parseModule);
  return unique([
    ...layerViolations(modules),
    ...cycleViolations(modules),
    ...moduleViolations(modules),
    ...contentViolations(files),
  ]);
}

/** A file that imports values and types of another in two statements is told once. */
function unique(sentences: readonly string[]): string[] {
  return [...new Set(sentences)];
}
