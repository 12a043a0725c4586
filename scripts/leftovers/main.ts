import { readFileSync, writeFileSync } from "node:fs";
import path from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { leftBehind } from "./compare.ts";
import { observeMachine, type Machine } from "./machine.ts";

/** Programs that were told to stop may still be stopping, and the kernel removes namespaces in the background. */
const SETTLING_LIMIT_MS = 10_000;

/** What is left once nothing is left or the limit has passed. */
async function settled(before: Machine): Promise<string[]> {
  const root = path.join(import.meta.dirname, "..", "..");
  const viewpoint = { pid: process.pid, root, run: process.env["TRESTLE_TEST_RUN"] };
  const deadline = performance.now() + SETTLING_LIMIT_MS;
  for (;;) {
    const left = leftBehind(before, observeMachine(), viewpoint);
    if (left.length === 0 || performance.now() > deadline) return left;
    await delay(200);
  }
}

const [verb, file] = process.argv.slice(2);
if (verb === "record" && file !== undefined) {
  writeFileSync(file, JSON.stringify(observeMachine()));
} else if (verb === "compare" && file !== undefined) {
  const left = await settled(JSON.parse(readFileSync(file, "utf8")) as Machine);
  console.log(left.length === 0 ? "ok: the machine is as it was" : `left behind:\n  ${left.join("\n  ")}`);
  process.exitCode = left.length === 0 ? 0 : 1;
} else {
  console.error("usage: main.ts record|compare FILE");
  process.exitCode = 2;
}
