import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { readdirSync, readFileSync, readlinkSync } from "node:fs";
import { runner } from "../run.ts";
import type { Run } from "../run.ts";
import { eventually } from "../testing/eventually.ts";
import { findTool } from "../tools.ts";
import { openLauncher } from "./launcher.ts";
import type { Launcher } from "./launcher.ts";

/** What is particular to it; run.test.ts holds both ways of starting a program to the same. */

let launcher: Launcher;
let run: Run;
beforeEach(() => {
  launcher = openLauncher(findTool("trestle-launch", ""));
  run = runner([], launcher.launch);
});
afterEach(() => launcher.close());

/** The process that a program was started by. */
const parent = async () => Number(await run("sh", ["-c", "echo $PPID"]));

test("many at once each get their own input back, large and small, in whatever order they end", async () => {
  const sizes = Array.from({ length: 60 }, (_, at) => (at * 7_919) % 300_000);
  const answers = await Promise.all(sizes.map((size) => run("cat", [], { stdin: "é".repeat(size) })));
  expect(answers.map(({ length }) => length)).toEqual(sizes);
});

test("a program can open its standard input by name", async () => {
  expect(await run("sh", ["-c", "cat /dev/stdin"], { stdin: "by name" })).toBe("by name");
});

test("a program that can't be started for another reason than that it is missing says which", async () => {
  await expect(run("/etc/passwd", [])).rejects.toMatchObject({
    code: "program-failed",
    message: "/etc/passwd: could not be started: EACCES",
  });
});

test("a program is started in another network namespace as by nsenter, and the next one at home again", async () => {
  const netns = `trs-test-launch-${randomBytes(3).toString("hex")}`;
  await run("ip", ["netns", "add", netns]);
  const into = [`--net=/run/netns/${netns}`, "--"];
  try {
    const there = await run("stat", ["-Lc", "net:[%i]", `/run/netns/${netns}`]);
    expect(await run("nsenter", [...into, "readlink", "/proc/self/ns/net"])).toBe(there);
    expect(await run("readlink", ["/proc/self/ns/net"])).toBe(`${readlinkSync("/proc/self/ns/net")}\n`);
    const missing = run("nsenter", [...into, "no-such-program"]);
    await expect(missing).rejects.toMatchObject({ message: expect.stringContaining("no-such-program: No such file") });
  } finally {
    await run("ip", ["netns", "delete", netns]);
  }
  const gone = run("nsenter", [...into, "true"]);
  await expect(gone).rejects.toMatchObject({ message: expect.stringContaining(`cannot open /run/netns/${netns}`) });
});

test("when it is killed, what ran is told as ended, and it is there again for the next program", async () => {
  const before = await parent();
  // It goes on without the launcher, as any program does without who started it.
  const running = run("sleep", ["2"]);
  process.kill(before, "SIGKILL");
  await expect(running).rejects.toMatchObject({ code: "program-failed" });
  const after = await parent();
  expect(after).not.toBe(before);
});

test("it goes with the process that it works for, and leaves no child unburied", async () => {
  const pid = await parent();
  expect(childrenOf(pid)).toEqual([]);
  await launcher.close();
  await eventually(() => !readdirSync("/proc").includes(String(pid)));
});

function childrenOf(pid: number): string[] {
  return readFileSync(`/proc/${pid}/task/${pid}/children`, "utf8").split(" ").filter(Boolean);
}
