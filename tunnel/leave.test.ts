import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { systemClock } from "../platform/clock.ts";
import type { Run } from "../platform/run.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { findTool } from "../platform/tools.ts";
import { differences, dumpKernel } from "../test/e2e/support/kernel.ts";
import { removeDataPath, syncDataPath } from "./data-path.ts";
import type { DataPathDeps } from "./parts.ts";
import type { SysctlMemory } from "./sysctls/memory.ts";
import { mortal } from "./testing/crash.ts";
import { foreignBefore, foreignMeanwhile } from "./testing/foreign-cni.ts";
import { makeLoneNode } from "./testing/lone-node.ts";
import type { TestNode } from "./testing/namespace.ts";
import { pidsIn } from "./testing/namespace.ts";
import { pathOf, RICH, testKeys } from "./testing/paths.ts";
import { keptSysctls } from "./testing/sysctl-memory.ts";
import { timely } from "./testing/timely.ts";

/** What was there before we came is there after we left, whatever happened between; and nothing else is. */

const WIREGUARD_GO = findTool("wireguard-go", process.env["PATH"] ?? "");
const LIMIT_MS = 300_000;

/** The machine that we never came to. */
let twin: TestNode;
beforeAll(async () => {
  twin = await makeLoneNode("twin");
  await foreignBefore(twin.run);
}, LIMIT_MS);
afterAll(() => twin?.remove(), LIMIT_MS);

/** Runs with a machine that another network program was on first. */
async function withMachine(use: (node: TestNode) => Promise<void>): Promise<void> {
  const node = await makeLoneNode("leaver");
  try {
    await foreignBefore(node.run);
    expect(await traces(node)).toEqual([]);
    await use(node);
  } finally {
    await node.remove();
  }
}

/** An agent that just started: it knows what is on disk, and nothing else. */
function agent(run: Run, sysctlMemory: SysctlMemory): DataPathDeps {
  return { run, wireGuardGo: WIREGUARD_GO, clock: systemClock, sysctlMemory, endpointMemory: new Map() };
}

/** What is not as if we had never come. */
async function traces(node: TestNode): Promise<string[]> {
  return differences(await inventory(twin), await inventory(node));
}

async function inventory({ name, run }: TestNode) {
  const kernel = await dumpKernel(run);
  const sockets = await run("find", ["/run", "-not", "-type", "d"]);
  // Not at once: they count what dumps the kernel, too.
  return { ...kernel, sockets: sockets.split("\n"), processes: [String((await pidsIn(name)).length)] };
}

/** A wireguard-go whose device was deleted takes its socket along a moment later. */
async function leavesNoTrace(node: TestNode, sysctlMemory: SysctlMemory): Promise<void> {
  expect((await removeDataPath(agent(node.run, sysctlMemory))).failed).toEqual([]);
  await eventually(async () => {
    const left = await traces(node);
    return left.length === 0 || left;
  });
  expect(await sysctlMemory.load()).toEqual({});
}

test(
  "leaving makes the machine what it was, and leaving again does nothing",
  () =>
    withMachine(async (node) => {
      const memory = keptSysctls();
      const want = pathOf(RICH, await testKeys(node.run));
      expect((await syncDataPath(agent(node.run, memory), want)).failed).toEqual([]);
      expect((await traces(node)).length).toBeGreaterThan(100);
      await leavesNoTrace(node, memory);
      expect(await removeDataPath(agent(node.run, memory))).toEqual({ done: [], failed: [], obstacles: [] });
    }),
  LIMIT_MS,
);

test(
  "what another program changed meanwhile stays as it is, and nothing of ours does",
  () =>
    withMachine(async (node) => {
      const changedTwin = await makeLoneNode("changed");
      try {
        const memory = keptSysctls();
        const deps = agent(node.run, memory);
        const want = pathOf(RICH, await testKeys(node.run));
        expect((await syncDataPath(deps, want)).failed).toEqual([]);
        await foreignBefore(changedTwin.run);
        await foreignMeanwhile(changedTwin.run);
        await foreignMeanwhile(node.run);
        expect((await syncDataPath(deps, want)).failed).toEqual([]);
        expect((await removeDataPath(deps)).failed).toEqual([]);
        await eventually(async () => {
          const left = differences(await inventory(changedTwin), await inventory(node));
          return left.length === 0 || left;
        });
      } finally {
        await changedTwin.remove();
      }
    }),
  LIMIT_MS,
);

test(
  "whenever a joining process ended, and whenever the one that leaves after it did, the next one leaves no trace",
  () =>
    fc.assert(
      fc.asyncProperty(
        fc.nat(90),
        fc.nat(60),
        timely(100_000, (joining, leaving) =>
          withMachine(async (node) => {
            const memory = keptSysctls();
            const joins = mortal(node.run, memory, joining);
            await syncDataPath(agent(joins.run, joins.sysctlMemory), pathOf(RICH, await testKeys(node.run)));
            const leaves = mortal(node.run, memory, leaving);
            await removeDataPath(agent(leaves.run, leaves.sysctlMemory));
            await leavesNoTrace(node, memory);
          }),
        ),
      ),
      { numRuns: 15 },
    ),
  LIMIT_MS,
);
