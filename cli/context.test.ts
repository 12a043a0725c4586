import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { mkdtempSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { stringify } from "yaml";
import { chooseContext } from "./context.ts";
import { capturedShell, trestle } from "./testing/captured-shell.ts";
import type { Captured } from "./testing/captured-shell.ts";

let folder: string;
beforeEach(() => {
  folder = mkdtempSync(path.join(tmpdir(), "trestle-context-"));
});
afterEach(() => rmSync(folder, { recursive: true, force: true }));

function written(name: string): string {
  const file = path.join(folder, `${name}.yaml`);
  const context = {
    name,
    mesh: `${name}-mesh`,
    urls: ["tls://192.0.2.1:4222"],
    ca: "PEM",
    userJWT: "jwt-secret",
    userSeed: "SU-secret",
  };
  writeFileSync(file, stringify(context));
  return file;
}

const run = (...argv: string[]): Promise<Captured> => trestle(argv, { env: { HOME: folder } });
const chosen = (asked?: string, env = {}): string =>
  chooseContext(capturedShell({ env: { HOME: folder, ...env } }).shell, asked).name;

test("an imported context becomes current, and its file is for its owner alone", async () => {
  expect(await run("context", "import", written("prod"))).toMatchObject({ exitCode: 0, stdout: "" });
  const book = path.join(folder, ".config", "trestle", "contexts.yaml");
  expect(statSync(book).mode & 0o777).toBe(0o600);
  expect(chosen()).toBe("prod");
});

test("--context wins over TRESTLE_CONTEXT, which wins over the current one; each is a name or a file", async () => {
  for (const name of ["prod", "staging", "lab"]) await run("context", "import", written(name));
  await run("context", "use", "prod");
  const file = written("elsewhere");
  expect(chosen()).toBe("prod");
  expect(chosen(undefined, { TRESTLE_CONTEXT: "staging" })).toBe("staging");
  expect(chosen(undefined, { TRESTLE_CONTEXT: file })).toBe("elsewhere");
  expect(chosen("lab", { TRESTLE_CONTEXT: "staging" })).toBe("lab");
  expect(chosen(file)).toBe("elsewhere");
});

test("contexts are listed and shown without their secrets", async () => {
  await run("context", "import", written("prod"));
  await run("context", "import", written("lab"), "--name", "mine");
  const { stdout } = await run("context", "list");
  expect(stdout).toBe(
    [
      "CURRENT   NAME   MESH        HUB",
      "          prod   prod-mesh   tls://192.0.2.1:4222",
      "*         mine   lab-mesh    tls://192.0.2.1:4222",
      "",
    ].join("\n"),
  );
  for (const argv of [["list"], ["show"], ["show", "prod"]]) {
    for (const format of ["table", "wide", "json", "yaml"]) {
      const shown = await run("context", ...argv, "--output", format);
      expect(shown.exitCode).toBe(0);
      expect(shown.stdout + shown.stderr).not.toContain("secret");
    }
  }
});

test.each([
  [["list"], "No hub is known yet"],
  [
    ["show"],
    "error: no hub is known; take over the context.yaml in the hub's --state folder with `trestle context import FILE`",
  ],
  [["use", "nowhere"], 'error: there is no context "nowhere"; none is known yet'],
  [["import", "/nonexistent/context.yaml"], "error: there is no file /nonexistent/context.yaml"],
])("context %j without any says %s", async (argv, message) => {
  expect((await run("context", ...argv)).stderr).toContain(message);
});

test("an unknown name is answered with the known ones", async () => {
  await run("context", "import", written("prod"));
  expect(await run("context", "use", "prd")).toMatchObject({
    exitCode: 1,
    stderr: 'error: there is no context "prd"; known are prod\n',
  });
});

test.each([
  ["name: [", "is not what a hub or this command wrote: Flow sequence in block collection"],
  ["name: x", "mesh is missing; urls is missing"],
  ["", "the object must be a group of fields, not null"],
])("a file that holds %p is refused and changes nothing", async (text, message) => {
  await run("context", "import", written("prod"));
  const book = path.join(folder, ".config", "trestle", "contexts.yaml");
  const before = readFileSync(book, "utf8");
  const file = path.join(folder, "bad.yaml");
  writeFileSync(file, text);
  const { exitCode, stderr } = await run("context", "import", file);
  expect(exitCode).toBe(1);
  expect(stderr).toContain(message);
  expect(stderr).toMatch(/^error: .*\n$/);
  expect(stderr).toContain(file);
  expect(readFileSync(book, "utf8")).toBe(before);
});
