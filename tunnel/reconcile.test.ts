import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { systemClock } from "../platform/clock.ts";
import { findTool } from "../platform/tools.ts";
import { differences, dumpKernel } from "../test/e2e/support/kernel.ts";
import type { KernelDump } from "../test/e2e/support/kernel.ts";
import { removeDataPath, syncDataPath } from "./data-path.ts";
import type { DataPathDeps } from "./parts.ts";
import { ADDITIONS, DAMAGES } from "./testing/damages.ts";
import { makeLoneNode } from "./testing/lone-node.ts";
import type { TestNode } from "./testing/namespace.ts";
import type { Shape, TestKeys } from "./testing/paths.ts";
import { pathOf, testKeys } from "./testing/paths.ts";
import { keptSysctls } from "./testing/sysctl-memory.ts";
import { timely } from "./testing/timely.ts";

/**
 * The promise of the whole folder: whatever the kernel holds, one sync makes it hold exactly what is wanted. What that
 * is, a second machine tells, where it was brought about from nothing.
 */

const LIMIT_MS = 300_000;
const WIREGUARD_GO = findTool("wireguard-go", process.env["PATH"] ?? "");

let node: TestNode;
let model: TestNode;
let keys: TestKeys;
let deps: DataPathDeps;
let modelDeps: DataPathDeps;
const models = new Map<string, KernelDump>();

beforeAll(async () => {
  [node, model] = await Promise.all([makeLoneNode("damaged"), makeLoneNode("model")]);
  // A policy that was set and set back leaves iptables' table behind.
  for (const { run } of [node, model]) await run("iptables", ["-P", "FORWARD", "ACCEPT"]);
  keys = await testKeys(node.run);
  [deps, modelDeps] = [started(node), started(model)];
}, LIMIT_MS);

afterAll(() => Promise.all([node?.remove(), model?.remove()]), LIMIT_MS);

function started({ run }: TestNode, sysctlMemory = keptSysctls()): DataPathDeps {
  return { run, wireGuardGo: WIREGUARD_GO, clock: systemClock, sysctlMemory, endpointMemory: new Map() };
}

/** What a machine holds that has this data path and never had another. */
async function modelOf(shape: Shape): Promise<KernelDump> {
  const key = JSON.stringify(shape);
  const known = models.get(key);
  if (known !== undefined) return known;
  await removeDataPath(modelDeps);
  expect((await syncDataPath(modelDeps, pathOf(shape, keys))).failed).toEqual([]);
  const dump = await dumpKernel(model.run);
  models.set(key, dump);
  return dump;
}

const SHAPES: readonly Shape[] = [
  { ranks: 0, vxlanPeers: 0, nodeVxlan: false, variant: 0 },
  { ranks: 1, vxlanPeers: 0, nodeVxlan: true, variant: 0 },
  { ranks: 2, vxlanPeers: 1, nodeVxlan: true, variant: 0 },
  { ranks: 2, vxlanPeers: 1, nodeVxlan: true, variant: 1 },
  { ranks: 1, vxlanPeers: 2, nodeVxlan: false, variant: 1 },
  { ranks: 0, vxlanPeers: 2, nodeVxlan: true, variant: 0 },
];
const cases = fc.record({
  before: fc.constantFrom(...SHAPES),
  after: fc.constantFrom(...SHAPES),
  damages: fc.array(fc.constantFrom(...DAMAGES), { minLength: 1, maxLength: 8 }),
  additions: fc.subarray([...ADDITIONS], { maxLength: 3 }),
  /** Whether the agent was started anew between. */
  restarts: fc.boolean(),
});

/** Of a run that failed half way. */
async function clearAdditions(): Promise<void> {
  await node.run("sh", ["-c", [...ADDITIONS.map(({ remove }) => `${remove} 2>&1`), "true"].join("\n")]);
}

test(
  "from any damaged state one sync reaches exactly what is wanted, and a second one does nothing",
  () =>
    fc.assert(
      fc.asyncProperty(
        cases,
        timely(100_000, async ({ before, after, damages, additions, restarts }) => {
          const want = pathOf(after, keys);
          await clearAdditions();
          await syncDataPath(deps, pathOf(before, keys));
          for (const script of damages) await node.run("sh", ["-c", script]).catch(() => undefined);
          for (const { add } of additions) await node.run("sh", ["-c", add]);
          if (restarts) deps = { ...deps, endpointMemory: new Map() };
          expect((await syncDataPath(deps, want)).failed).toEqual([]);
          expect(await syncDataPath(deps, want)).toEqual({ done: [], failed: [], obstacles: [] });
          for (const { remove } of additions) await node.run("sh", ["-c", remove]);
          // Our rule in a chain that drops no more goes.
          expect((await syncDataPath(deps, want)).failed).toEqual([]);
          expect(differences(await modelOf(after), await dumpKernel(node.run))).toEqual([]);
        }),
      ),
      { numRuns: 40 },
    ),
  LIMIT_MS,
);
