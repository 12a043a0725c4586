import { expect, test } from "@jest/globals";
import { MeshError } from "../platform/errors.ts";
import { manualClock } from "../platform/testing/manual-clock.ts";
import { framePrinter, redraw } from "./frames.ts";
import { capturedShell } from "./testing/captured-shell.ts";

const table = { output: "table", verbose: false } as const;

test("on a terminal a frame takes the place of the one before", () => {
  const { shell, written } = capturedShell({ interactive: true });
  const show = framePrinter(shell, table);
  show("one\n");
  show("one\n");
  expect(written().stdout).toBe("\u001B[2J\u001B[Hone\n\u001B[2J\u001B[Hone\n");
});

test.each([
  ["table", "one\n\ntwo\n"],
  ["yaml", "one\n---\ntwo\n"],
  ["json", "one\ntwo\n"],
] as const)("elsewhere a %s frame follows the one before, if it differs", (output, stdout) => {
  const { shell, written } = capturedShell();
  const show = framePrinter(shell, { output });
  for (const text of ["one\n", "one\n", "two\n"]) show(text);
  expect(written().stdout).toBe(stdout);
});

test("data for programs is never preceded by a terminal's control sequence", () => {
  const { shell, written } = capturedShell({ interactive: true });
  framePrinter(shell, { output: "json" })("{}\n");
  expect(written().stdout).toBe("{}\n");
});

test("a failure that may pass is told and waited out", async () => {
  const clock = manualClock();
  const end = new AbortController();
  const { shell, written } = capturedShell({ clock, signal: end.signal });
  const draws = [
    () => Promise.reject(new MeshError("no-active-hub", "no hub is active", { retry: true })),
    () => Promise.resolve("well\n"),
  ];
  const watching = redraw(shell, table, 1_000, async () => (draws.shift() ?? (() => Promise.resolve("well\n")))());
  await clock.advance(1_000);
  await clock.advance(1_000);
  end.abort();
  await clock.advance(1_000);
  await watching;
  expect(written()).toEqual({ stdout: "well\n", stderr: "waiting: no hub is active\n" });
});

test("a failure that does not pass ends the watch", async () => {
  const { shell } = capturedShell();
  const denied = new MeshError("nats-refused", "refused", { retry: false });
  await expect(redraw(shell, table, 1_000, () => Promise.reject(denied))).rejects.toBe(denied);
});
