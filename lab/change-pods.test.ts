import { expect, test } from "@jest/globals";
import { fileURLToPath } from "node:url";
import { MeshError } from "../platform/errors.ts";
import type { ProgramFailure } from "../platform/run.ts";
import { runner } from "../platform/run.ts";
import { unwritten } from "./change-pods.ts";

const PROGRAM = fileURLToPath(new URL("./pod-objects-program.ts", import.meta.url));

const silence = new MeshError("program-timeout", "node: no answer in 60000 ms", { retry: true });
const refusal: ProgramFailure = { exitCode: 1, stdout: "", stderr: "no.\n" };
const failure = new MeshError("program-failed", "node: no.", { retry: true, cause: refusal });

test.each([
  ["silence", silence, false, "the store of east is silent (asked for 60 s); trestle lab mend store:east"],
  [
    "silence while pods are removed",
    silence,
    true,
    "the store of east is silent (asked for 60 s); trestle lab mend store:east, or take the pods away without it: trestle lab pod remove … --force",
  ],
  ["a refusal", failure, true, "the store of east did not take what it was told of its pods: no."],
])("%s is told in words about the store", (_, error, isRemoval, message) => {
  expect(unwritten("east", error, { isRemoval })).toMatchObject({ code: "pods-unwritten", message, cause: error });
});

test("what has nothing to do with the store stays what it is", () => {
  const stopped = new MeshError("aborted", "node: stopped", { retry: false });
  expect(unwritten("east", stopped, { isRemoval: true })).toBe(stopped);
});

test("what the program can't read it says in a sentence, like any other failure", async () => {
  const words = ["--disable-warning=ExperimentalWarning", PROGRAM];
  const asking = runner()(process.execPath, words, { stdin: "no JSON", limitMs: 60_000 });
  await expect(asking).rejects.toMatchObject({
    code: "program-failed",
    cause: { exitCode: 1, stderr: expect.not.stringMatching(/\n\s+at /) },
  });
}, 60_000);
