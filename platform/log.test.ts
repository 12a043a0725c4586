import { expect, test } from "@jest/globals";
import { PassThrough } from "node:stream";
import { createLog } from "./log.ts";
import type { LogOptions } from "./log.ts";

function written(options: Omit<LogOptions, "stream">, write: (log: ReturnType<typeof createLog>) => void): string {
  const chunks: string[] = [];
  write(
    createLog({ ...options, stream: new PassThrough().on("data", (chunk: Buffer) => chunks.push(chunk.toString())) }),
  );
  return chunks.join("");
}

test("a line is JSON with its level in words, its time, its event and what it is bound to", () => {
  const text = written({ level: "info", pretty: false }, (log) => {
    log.child({ cluster: "east" }).warn({ event: "lease-lost", term: 3 }, "lost the lease");
  });
  expect(JSON.parse(text)).toEqual({
    level: "warn",
    time: expect.stringMatching(/^\d{4}-\d\d-\d\dT.*Z$/),
    cluster: "east",
    event: "lease-lost",
    term: 3,
    msg: "lost the lease",
  });
});

test("an error is spelled out, with its cause", () => {
  const text = written({ level: "info", pretty: false }, (log) => {
    log.error({ event: "failed", error: new Error("outer", { cause: new Error("inner") }) }, "it failed");
  });
  expect(JSON.parse(text)).toMatchObject({ error: { type: "Error", message: expect.stringContaining("inner") } });
});

test("what is below the level is not written", () => {
  expect(written({ level: "warn", pretty: false }, (log) => log.info({ event: "noise" }, "noise"))).toBe("");
});

test("for people a line is text with the message in it", () => {
  const text = written({ level: "info", pretty: true }, (log) => log.info({ event: "started" }, "the hub is up"));
  expect(text).toMatch(/the hub is up/);
  expect(() => JSON.parse(text) as unknown).toThrow("JSON");
});
