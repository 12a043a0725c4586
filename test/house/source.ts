import { readdirSync, readFileSync } from "node:fs";
import path from "node:path";

/** A text of the tree: its path from the root, with forward slashes, and what it says. */
export interface SourceFile {
  readonly path: string;
  readonly text: string;
}

/** Folders that are not ours to judge, and fixtures that are wrong on purpose. */
const NOT_SOURCE = new Set([".git", ".cache", "node_modules", "coverage", "dist", "test/house/fixtures"]);

/** Every file under `root` that people write, in the order of their paths. */
export function readTree(root: string): SourceFile[] {
  return walk(root, "").map((file) => ({ path: file, text: readFileSync(path.join(root, file), "utf8") }));
}

function walk(root: string, folder: string): string[] {
  return readdirSync(path.join(root, folder), { withFileTypes: true })
    .sort((a, b) => (a.name < b.name ? -1 : 1))
    .flatMap((entry) => {
      const here = path.posix.join(folder, entry.name);
      if (NOT_SOURCE.has(here)) return [];
      if (entry.isDirectory()) return walk(root, here);
      return entry.isFile() ? [here] : [];
    });
}

/** Lines of a text, as an editor counts them. */
export function lineCount(text: string): number {
  return text.split("\n").length - (text.endsWith("\n") ? 1 : 0);
}

/**
 * Code that only tests run: tests themselves, what they share (`*.testing.ts`, `testing/`), and the suites that an
 * implementation of a port must pass (`conformance*`).
 */
export function isTestCode(file: string): boolean {
  return (
    /\.(test|testing)\.ts$|(^|\/)testing\/|(^|\/)conformance[\w-]*(\/|\.ts$)/.test(file) ||
    /^(test|scripts)\//.test(file)
  );
}
