import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Run } from "../platform/run.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { runPiped } from "./piped.ts";
import type { TestNode } from "./testing/namespace.ts";
import { makeTestNode, pidsIn } from "./testing/namespace.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("piped");
});
afterAll(() => node?.remove());

test("a program opens what it is given by name", async () => {
  expect(await runPiped(node.run, "sh", ["-c", 'cat "$0"', "/dev/stdin"], "word")).toBe("word");
});

test("a program that takes too long is ended, and does nothing later that was reported as failed", async () => {
  const before = await pidsIn(node.name);
  const hasty: Run = (program, args, options) => node.run(program, args, { ...options, limitMs: 300 });
  await expect(runPiped(hasty, "sleep", ["600"], "")).rejects.toMatchObject({ code: "program-timeout" });
  await eventually(async () => {
    const left = await pidsIn(node.name);
    return left.length === before.length || { before, left };
  });
});
