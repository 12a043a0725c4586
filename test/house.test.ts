import { readdirSync } from "node:fs";
import path from "node:path";
import { expect, test } from "@jest/globals";
import { contentViolations } from "./house/content.ts";
import { LONGEST_FILE, lengthViolations } from "./house/files.ts";
import { houseViolations } from "./house/rules.ts";
import { readTree } from "./house/source.ts";

const ROOT = path.join(import.meta.dirname, "..");
const FIXTURES = path.join(import.meta.dirname, "house", "fixtures", "house");

/** Fixture, and all that must be said of it. */
const CASES: readonly (readonly [string, readonly string[]])[] = [
  ["kept", []],
  ["layer-import", ["mesh/pool.ts imports platform/config.ts; mesh may import nothing of ours"]],
  ["type-import", ["crds/kinds.ts imports hub/hub.ts; crds may import mesh"]],
  ["type-query", ["tunnel/links.ts imports lab/nodes/node.ts; tunnel may import mesh, platform"]],
  ["re-export", ["platform/store/port.ts imports mesh/cidr.ts; platform may import nothing of ours"]],
  ["dynamic-import", ["hub/compile/views.ts imports member-agent/main.ts; hub may import mesh, crds, platform"]],
  ["computed-import", ["lab/up.ts imports a computed path; name the file, so that the rule can see it"]],
  ["absolute-import", ["lab/up.ts imports /usr/lib/trestle/main.ts; import by a relative path"]],
  ["pure-heart", ["mesh/names.ts imports node:fs; mesh does no I/O"]],
  ["test-code", ["hub/ledger.ts imports hub/testing/ledger.ts; production code must not need test code"]],
  ["test-reach", ["tunnel/routes.test.ts imports hub/main.ts; a test that needs hub belongs in test/"]],
  ["cycle", ["mesh/a.ts -> mesh/b.ts -> mesh/deep/c.ts -> mesh/a.ts is a cycle"]],
  ["barrel", ["mesh/all.ts is a barrel; import from the file that has the thing"]],
  ["index-file", ["mesh/index.ts is a barrel; import from the file that has the thing"]],
  ["default-export", ["mesh/cidr.ts has a default export; give it a name"]],
  ["default-name", ["mesh/cidr.ts has a default export; give it a name"]],
  ["module-state", ["platform/queue.ts keeps state in its module: waiting"]],
];

test("the tree keeps the rules of the house", () => {
  const tree = readTree(ROOT);
  expect([...houseViolations(tree), ...lengthViolations(tree)]).toEqual([]);
});

test.each(CASES)("what is wrong with the fixture %s is told, and nothing else", (fixture, violations) => {
  expect(houseViolations(readTree(path.join(FIXTURES, fixture)))).toEqual(violations);
});

test("every fixture of the house is used", () => {
  expect(readdirSync(FIXTURES).sort()).toEqual(CASES.map(([fixture]) => fixture).sort());
});

test.each([
  ["mesh/cidr.ts", LONGEST_FILE, []],
  ["mesh/cidr.ts", LONGEST_FILE + 1, ["mesh/cidr.ts has 301 lines; split it before 300"]],
  ["mesh/cidr.test.ts", LONGEST_FILE + 1, []],
  ["crds/schema.generated.ts", LONGEST_FILE + 1, []],
  ["docs/README.md", LONGEST_FILE + 1, []],
])("%s of %i lines is judged by its kind", (file, lines, violations) => {
  expect(lengthViolations([{ path: file, text: "x\n".repeat(lines) }])).toEqual(violations);
});

// Put together here, so that this file itself holds none of them.
test.each([
  ["bin/tool", "\x7fELF\0\0", ["bin/tool is a binary file"]],
  ["docs/mesh.png", "PNG\0", []],
  ["a.pem", `${"-".repeat(5)}BEGIN EC PRIVATE KEY${"-".repeat(5)}\n${"A".repeat(40)}`, ["a.pem holds a private key"]],
  ["a.ts", `seed = "SU${"A2".repeat(28)}"`, ["a.ts holds a NATS seed"]],
  ["a.ts", `eyJ${"a".repeat(30)}.eyJ${"b".repeat(30)}.${"c".repeat(30)}`, ["a.ts holds a signed credential (JWT)"]],
  ["a.sh", `cd ${["", "home", "somebody", "trestle"].join("/")}`, ["a.sh holds a path of somebody's machine"]],
  ["a.sh", `cd "${["", "work", "main"].join("/")}"`, ["a.sh holds a path of somebody's machine"]],
  ["a.sh", "cat ~/work/main ./root/x https://trestle.dev/work/x /var/work/x", []],
])("%s is judged by what it holds", (file, text, violations) => {
  expect(contentViolations([{ path: file, text }])).toEqual(violations);
});
