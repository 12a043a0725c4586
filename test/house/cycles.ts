import { resolveSpecifier } from "./layers.ts";
import type { SourceModule } from "./module.ts";

/**
 * Every ring of files that import each other, once, by its shortest path from its first file. Type imports count: two
 * files that need each other's types are one idea, or a third file is missing.
 */
export function cycleViolations(modules: readonly SourceModule[]): string[] {
  const graph = importGraph(modules);
  const told = new Set<string>();
  return [...graph.keys()].sort().flatMap((start) => {
    if (told.has(start)) return [];
    const ring = shortestRing(graph, start);
    if (ring === undefined) return [];
    for (const file of ring) told.add(file);
    return [`${[...ring, start].join(" -> ")} is a cycle`];
  });
}

function importGraph(modules: readonly SourceModule[]): Map<string, readonly string[]> {
  return new Map(
    modules.map(({ path, imports }) => [
      path,
      imports.filter((specifier) => specifier.startsWith(".")).map((specifier) => resolveSpecifier(path, specifier)),
    ]),
  );
}

/** Breadth first from `start` until it comes back to itself. */
function shortestRing(graph: ReadonlyMap<string, readonly string[]>, start: string): string[] | undefined {
  const reached = new Set<string>();
  let paths: string[][] = [[start]];
  while (paths.length > 0) {
    const next: string[][] = [];
    for (const line of paths) {
      for (const to of graph.get(line.at(-1) ?? start) ?? []) {
        if (to === start) return line;
        if (reached.has(to)) continue;
        reached.add(to);
        next.push([...line, to]);
      }
    }
    paths = next;
  }
  return undefined;
}
