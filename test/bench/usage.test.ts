import { expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { childNamed, cpuMs, memoryOf } from "./usage.ts";

test("a process is found by its name, with the CPU it used and the memory it holds", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  try {
    expect(childNamed("sleep")).toBe(child.pid);
    expect(() => childNamed("nobody-is-called-so")).toThrow(/has no child/);
    expect(cpuMs(process.pid)).toBeGreaterThan(0);
    const { rss, pss } = memoryOf(process.pid);
    expect(rss).toBeGreaterThan(10);
    expect(pss).toBeGreaterThan(0);
    expect(pss).toBeLessThanOrEqual(rss);
  } finally {
    child.kill();
    await once(child, "exit");
  }
});
