import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { execFile } from "node:child_process";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { promisify } from "node:util";

const run = promisify(execFile);
const ROOT = path.join(import.meta.dirname, "..");
const CHECKOUT = path.join(ROOT, "bin", "trestle");
let folder: string;
const bundled = (): string => path.join(folder, "dist", "trestle");

beforeAll(async () => {
  folder = await mkdtemp(path.join(tmpdir(), "trestle-build-"));
  await run(path.join(ROOT, "scripts", "build"), [path.join(folder, "dist")]);
});
afterAll(() => rm(folder, { recursive: true, force: true }));

/** What a program said, and its exit code. */
async function said(program: string, words: readonly string[]): Promise<{ out: string; err: string; code: number }> {
  const { PATH } = process.env;
  const child = run(program, [...words], { env: { PATH, HOME: folder } });
  const { stdout, stderr } = await child.catch((error: { stdout: string; stderr: string }) => error);
  return { out: stdout, err: stderr, code: child.child.exitCode ?? -1 };
}

test.each([["--help"], ["--version"], ["link create --help"], ["agent --help"], ["get nothing"]])(
  "the bundled `trestle %s` says what the one of the checkout says",
  async (line) => {
    const words = line.split(" ");
    const { out, err, code } = await said(bundled(), words);
    expect({ out, err, code }).toEqual(await said(CHECKOUT, words));
    expect(out + err).not.toBe("");
  },
);

test("the bundled agent gets as far as its store, and says what it lacks", async () => {
  const words = ["agent", "--cluster", "east", "--node", "n1", "--store", "/nonexistent", "--state", folder];
  const { err, code } = await said(bundled(), words);
  expect(code).toBe(1);
  const [line = ""] = err.split("\n");
  expect(JSON.parse(line)).toMatchObject({ level: "error", event: "daemon-failed" });
  expect(err).toMatch(/^error: \/nonexistent is no access file of a store/m);
});

test("the bundled agent does not load the hub", async () => {
  const words = ["agent", "--cluster", "east", "--node", "n1", "--store", "/nonexistent", "--state", folder];
  const loaded = path.join(folder, "loaded");
  const { PATH } = process.env;
  const options = { env: { PATH, HOME: folder, NODE_V8_COVERAGE: loaded } };
  await run(bundled(), words, options).catch(() => undefined);
  const { stdout } = await run("grep", ["-rhoE", "dist/[A-Za-z-]+-[A-Z0-9]{8}\\.js", loaded]);
  const files = new Set(stdout.split("\n").map((file) => file.replace(/-[A-Z0-9]{8}\.js$/, "")));
  expect(files).toContain("dist/agent-process");
  expect(files).not.toContain("dist/hub");
});

test("the bundled daemons write for people where a person looks", async () => {
  const line = `${bundled()} agent --cluster east --node n1 --store /nonexistent --state ${folder}`;
  const { stdout } = await run("script", ["-qec", line, "/dev/null"]).catch((error: { stdout: string }) => error);
  expect(stdout).toMatch(/ERROR.*is no access file of a store/);
});
