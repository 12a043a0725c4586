import path from "node:path";
import type { SourceModule } from "./module.ts";
import { isTestCode } from "./source.ts";

/** The folders of the house and what their production code may import of the others (DESIGN: "The house"). */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  mesh: [],
  platform: [],
  crds: ["mesh"],
  tunnel: ["mesh", "platform"],
  hub: ["mesh", "crds", "platform"],
  "member-agent": ["mesh", "crds", "tunnel", "platform"],
  lab: ["mesh", "crds", "tunnel", "platform"],
  cli: ["mesh", "crds", "tunnel", "platform", "hub", "member-agent", "lab"],
};

/** What tests that sit in a folder may use beyond that: the foundation that needs nothing above it, and test/. */
const TESTS_MAY_IMPORT = ["mesh", "crds", "platform", "test"];

/** Node's modules that reach outside the process; the pure heart has no use for them. */
const OUTSIDE =
  /^(node:)?(fs|child_process|cluster|dgram|dns|http|http2|https|os|process|tls|timers|worker_threads)(\/|$)/;

/** Imports that cross the house where they must not, one sentence each. */
export function layerViolations(modules: readonly SourceModule[]): string[] {
  return modules.flatMap((module) => {
    const folder = layerOf(module.path);
    const allowed = MAY_IMPORT[folder];
    if (allowed === undefined) return [];
    const tests = isTestCode(module.path);
    const computed = module.hasComputedImport && !tests && folder !== "cli";
    return [
      ...(computed ? [`${module.path} imports a computed path; name the file, so that the rule can see it`] : []),
      ...module.imports.flatMap((specifier) => violation(module.path, specifier, allowed, tests)),
    ];
  });
}

function violation(from: string, specifier: string, allowed: readonly string[], tests: boolean): string[] {
  const folder = layerOf(from);
  if (!specifier.startsWith(".")) {
    if (folder === "mesh" && !tests && OUTSIDE.test(specifier))
      return [`${from} imports ${specifier}; mesh does no I/O`];
    return /^(\/|file:)/.test(specifier) ? [`${from} imports ${specifier}; import by a relative path`] : [];
  }
  const to = resolveSpecifier(from, specifier);
  const target = layerOf(to);
  if (tests) {
    const reach = [folder, ...allowed, ...TESTS_MAY_IMPORT];
    return reach.includes(target) ? [] : [`${from} imports ${to}; a test that needs ${target} belongs in test/`];
  }
  if (isTestCode(to)) return [`${from} imports ${to}; production code must not need test code`];
  if (target === folder || allowed.includes(target)) return [];
  return [`${from} imports ${to}; ${folder} may import ${allowed.length > 0 ? allowed.join(", ") : "nothing of ours"}`];
}

/** The top folder of a path, or "" for a file at the root. */
function layerOf(file: string): string {
  return file.includes("/") ? file.slice(0, file.indexOf("/")) : "";
}

/** Where a relative specifier leads, from the root of the tree. */
export function resolveSpecifier(from: string, specifier: string): string {
  return path.posix.join(path.posix.dirname(from), specifier);
}
