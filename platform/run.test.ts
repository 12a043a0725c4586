import { afterAll, describe, expect, test } from "@jest/globals";
import { hasCode } from "./errors.ts";
import { openLauncher } from "./launch/launcher.ts";
import type { ProgramFailure } from "./run.ts";
import { launchHere, runner } from "./run.ts";
import { findTool } from "./tools.ts";

const launcher = openLauncher(findTool("trestle-launch", ""));
afterAll(() => launcher.close());

describe.each([
  ["from this process", launchHere],
  ["by the launcher", launcher.launch],
])("a program that is started %s", (_, launch) => {
  const run = runner([], launch);

  test("gets its arguments as they are and its standard input whole", async () => {
    expect(await run("printf", ["%s|", "a b", "$HOME", ";"])).toBe("a b|$HOME|;|");
    const secret = "x".repeat(1_000_000);
    expect(await run("cat", [], { stdin: secret })).toBe(secret);
  });

  test("is started through the prefix", async () => {
    expect(await runner(["env", "PLACE=lab"], launch)("sh", ["-c", "echo $PLACE"])).toBe("lab\n");
  });

  test("that fails is told in its own words, with its exit code", async () => {
    const error: unknown = await run("sh", ["-c", "echo half; echo broken >&2; exit 3"]).catch(
      (caught: unknown) => caught,
    );
    expect(error).toMatchObject({ code: "program-failed", message: expect.stringMatching(/^sh -c .*: broken$/) });
    expect((error as Error).cause).toEqual({
      exitCode: 3,
      stdout: "half\n",
      stderr: "broken\n",
    } satisfies ProgramFailure);
  });

  test("that fails without a word is told by its exit code; what it wrote may be a secret", async () => {
    const failing = run("sh", ["-c", "cat; exit 3"], { stdin: "private key" });
    await expect(failing).rejects.toMatchObject({ message: "sh -c cat; exit 3: exited with 3" });
  });

  test("that is not there is named, with the remedy", async () => {
    await expect(run("no-such-program", [])).rejects.toMatchObject({
      code: "missing-program",
      message: "no-such-program is not installed; run scripts/setup",
    });
    await expect(runner(["no-such-prefix"], launch)("true", [])).rejects.toMatchObject({
      code: "missing-program",
      message: expect.stringContaining("no-such-prefix"),
    });
  });

  test("that is not there behind a prefix that is, is not called missing", async () => {
    const error: unknown = await runner(["env"], launch)("no-such-program", []).catch((caught: unknown) => caught);
    expect(hasCode(error, "program-failed")).toBe(true);
  });

  test("that takes too long is killed", async () => {
    await expect(run("sleep", ["60"], { limitMs: 100 })).rejects.toMatchObject({
      code: "program-timeout",
      retry: true,
    });
  });

  test("ends with its signal, also one that had aborted before", async () => {
    const controller = new AbortController();
    const running = run("sleep", ["60"], { signal: controller.signal });
    controller.abort();
    await expect(running).rejects.toMatchObject({ code: "aborted" });
    await expect(run("true", [], { signal: controller.signal })).rejects.toMatchObject({ code: "aborted" });
  });

  test("that does not read what it is given is judged by its exit code", async () => {
    await run("true", [], { stdin: "x".repeat(1_000_000) });
  });

  test("killed by somebody else has no exit code and is not called late", async () => {
    const error: unknown = await run("sh", ["-c", "kill -9 $$"]).catch((caught: unknown) => caught);
    expect(error).toMatchObject({ code: "program-failed", cause: { exitCode: undefined } });
  });
});
