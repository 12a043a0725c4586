import { execFile } from "node:child_process";
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readTree } from "./source.ts";

const ROOT = path.join(import.meta.dirname, "..", "..");
const FIXTURES = path.join(import.meta.dirname, "fixtures", "lint");
const LINTER = path.join(ROOT, "node_modules", ".bin", "oxlint");

interface Config {
  readonly rules: Readonly<Record<string, unknown>>;
  readonly overrides: readonly { readonly rules: Readonly<Record<string, unknown>> }[];
}

/** A fixture is named after the one rule it breaks; the others show what is allowed, or are imported by fixtures. */
const fixtures = readTree(FIXTURES).map((file) => file.path);

/** Where the fixtures look like a tree of ours: a rule for mesh/ must meet a file in mesh/. */
const tree = mkdtempSync(path.join(tmpdir(), "trestle-lint-"));
/** Rules that fired, by file. */
const fired = new Map<string, Set<string>>();

beforeAll(async () => {
  for (const file of [".oxlintrc.json", "tsconfig.json", "package.json"])
    cpSync(path.join(ROOT, file), path.join(tree, file));
  symlinkSync(path.join(ROOT, "node_modules"), path.join(tree, "node_modules"));
  cpSync(FIXTURES, tree, { recursive: true });
  writeFileSync(path.join(tree, "mesh", "max-lines.ts"), "export {};\n".repeat(301));
  const folders = new Set(fixtures.map((file) => file.slice(0, file.indexOf("/"))));
  for (const { code, filename } of await lint([...folders])) {
    const rule = /\((.*)\)$/.exec(code)?.[1] ?? code;
    fired.set(filename, (fired.get(filename) ?? new Set()).add(rule));
  }
});

afterAll(() => {
  rmSync(tree, { recursive: true });
});

test.each(configuredRules())("the rule %s has a fixture that it rejects", (rule) => {
  const expected = rule === "max-lines" ? ["mesh/max-lines.ts"] : fixtures.filter((file) => ruleOf(file) === rule);
  expect(expected).not.toEqual([]);
  for (const file of expected) expect([file, [...(fired.get(file) ?? [])]]).toEqual([file, [rule]]);
});

test("files that break no rule are let through", () => {
  const allowed = fixtures.filter((file) => path.basename(file) === "allowed.ts");
  expect(allowed.length).toBeGreaterThan(0);
  expect(allowed.filter((file) => fired.has(file))).toEqual([]);
});

test.each(["mesh", "platform", "crds", "tunnel", "hub", "member-agent", "lab"])(
  "%s has a fixture that imports what it must not",
  (folder) => {
    expect(
      fixtures.filter((file) => file.startsWith(`${folder}/`) && ruleOf(file) === "no-restricted-imports"),
    ).toHaveLength(1);
  },
);

/** Names, without their plugin, of all rules that .oxlintrc.json turns on by name. */
function configuredRules(): string[] {
  const config = JSON.parse(readFileSync(path.join(ROOT, ".oxlintrc.json"), "utf8")) as Config;
  const on = [config, ...config.overrides].flatMap((part) =>
    Object.entries(part.rules).filter(([, level]) => level !== "off"),
  );
  return [...new Set(on.map(([name]) => name.split("/").at(-1) ?? name))];
}

function ruleOf(file: string): string {
  return path.basename(file).replace(/(\.test)?\.ts$/, "");
}

/** The linter exits 1 when it finds something, as it must here; what it found is on its standard output all the same. */
async function lint(folders: readonly string[]): Promise<{ code: string; filename: string }[]> {
  const output = await new Promise<string>((resolve, reject) => {
    execFile(LINTER, ["-f", "json", ...folders], { cwd: tree }, (error, stdout, stderr) => {
      if (error !== null && error.code !== 1) reject(new Error(`oxlint: ${stderr}${stdout}`, { cause: error }));
      else resolve(stdout);
    });
  });
  return (JSON.parse(output) as { diagnostics: { code: string; filename: string }[] }).diagnostics;
}
