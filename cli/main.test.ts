import { expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import path from "node:path";
import { text } from "node:stream/consumers";
import { runner } from "../platform/run.ts";

const TRESTLE = path.join(import.meta.dirname, "..", "bin", "trestle");
const run = runner(["env", "HOME=/nonexistent", "TRESTLE_CONTEXT="]);
const LIMITS = { limitMs: 60_000 };

test("trestle runs by its own script", async () => {
  expect(await run(TRESTLE, ["--version"], LIMITS)).toMatch(/^\d+\.\d+\.\d+\n$/);
}, 60_000);

test("its exit code is the command's", async () => {
  await expect(run(TRESTLE, ["nonsense"], LIMITS)).rejects.toMatchObject({ cause: { exitCode: 2, stdout: "" } });
  await expect(run(TRESTLE, ["pool", "list"], LIMITS)).rejects.toMatchObject({ cause: { exitCode: 1, stdout: "" } });
}, 60_000);

test("a reader that had enough is no fault", async () => {
  const child = spawn(TRESTLE, ["--help"], { stdio: ["ignore", "pipe", "pipe"] });
  child.stdout.destroy();
  const [said] = await Promise.all([text(child.stderr), once(child, "close")]);
  expect({ said, code: child.exitCode }).toEqual({ said: "", code: 0 });
}, 60_000);

test.each(["bash", "zsh", "fish"])(
  "a completion script for %s comes on standard output",
  async (shell) => {
    expect(await run(TRESTLE, ["completion", shell], LIMITS)).toContain("trestle complete --");
  },
  60_000,
);

test.each([
  [["po"], ["pool"]],
  [["pool", "cr"], ["create"]],
  [["pool", "create", "--cluster-p"], ["--cluster-prefix-length"]],
  [
    ["pool", "create", "--purpose", ""],
    ["pods", "mesh"],
  ],
  [["get", "clusterl"], ["clusterlinks"]],
  [["delete", "subn"], ["subnets"]],
  [
    ["network", "create", "--type", ""],
    ["Overlay", "Underlay"],
  ],
  [["get", "pools", "--output", "y"], ["yaml"]],
])(
  "%j is completed with %j",
  async (words, completions) => {
    const offered = (await run(TRESTLE, ["complete", "--", ...words], LIMITS)).trimEnd().split("\n");
    expect(offered.slice(0, -1).map((line) => line.split("\t")[0])).toEqual(completions);
  },
  60_000,
);
