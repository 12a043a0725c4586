import { afterEach, expect, test } from "@jest/globals";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import path from "node:path";
import { logTail } from "./wait.ts";

const folder = mkdtempSync(path.join(tmpdir(), "trestle-log-"));
const file = path.join(folder, "hub.log");
afterEach(() => rmSync(folder, { recursive: true, force: true }));

test("the end of a daemon's log is told in short: level, event and message", () => {
  const lines = [
    '{"level":"info","time":"2026-01-01T00:00:00Z","event":"old","msg":"no longer of interest"}',
    '{"level":"error","time":"2026-01-01T00:00:01Z","event":"daemon-failed","error":{"stack":"at …"},"msg":"no space left"}',
    "Segmentation fault",
  ];
  writeFileSync(file, `${lines.join("\n")}\n`);
  expect(logTail(file, 2)).toBe(`${file}:\n  error daemon-failed: no space left\n  Segmentation fault`);
});

test("a log that is not there says so", () => {
  expect(logTail(path.join(folder, "none.log"))).toMatch(/none\.log:\n  \(nothing was logged\)$/);
});
