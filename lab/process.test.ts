import { afterAll, expect, test } from "@jest/globals";
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { systemClock } from "../platform/clock.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { isAlive, killAll, readStat, sessionOf, startDetached } from "./process.ts";

const folder = mkdtempSync(path.join(tmpdir(), "lab-process-"));
const log = path.join(folder, "log");
const { signal } = new AbortController();
afterAll(() => rmSync(folder, { recursive: true }));

test("a detached program is ended with its children, orphans too, and its output is in the log", async () => {
  const leader = await startDetached("sh", ["-c", "echo hello; sleep 300 & sleep 300 & wait"], log);
  await eventually(() => sessionOf(leader).length === 3 || sessionOf(leader));
  await killAll([leader], systemClock, signal);
  expect(isAlive(leader)).toBe(false);
  const orphans = sessionOf(leader);
  expect(orphans).toHaveLength(2);
  await killAll(orphans, systemClock, signal);
  expect(sessionOf(leader)).toEqual([]);
  expect(readFileSync(log, "utf8")).toBe("hello\n");
});

test("a pid that was given to another process is not taken for the one it was", () => {
  const own = readStat(process.pid);
  expect(own && isAlive(own)).toBe(true);
  expect(isAlive({ pid: process.pid, startTime: "1" })).toBe(false);
  expect(sessionOf({ pid: process.pid, startTime: "1" })).toEqual([]);
});

test("a program that is not there is said so", async () => {
  await expect(startDetached("no-such-program", [], log)).rejects.toThrow("ENOENT");
});
