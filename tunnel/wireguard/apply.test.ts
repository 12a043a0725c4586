import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Run } from "../../platform/run.ts";
import { findTool } from "../../platform/tools.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode, pidsIn } from "../testing/namespace.ts";
import { applyWireGuard } from "./apply.ts";
import type { WireGuardStep } from "./plan.ts";

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("wg-set");
});
afterAll(() => node?.remove());

const STEPS: readonly WireGuardStep[] = [1, 2, 3, 4].map((index) => {
  return { op: "peer", publicKey: Buffer.alloc(32, index).toString("base64"), persistentKeepalive: 10 };
});

test("a wireguard-go that hangs is waited for once, whatever the number of steps", async () => {
  const before = await pidsIn(node.name);
  // By its program also where the kernel has WireGuard.
  await node.run(findTool("wireguard-go", process.env["PATH"] ?? "") ?? "wireguard-go", ["trs0-0"]);
  const daemons = (await pidsIn(node.name)).filter((pid) => !before.includes(pid));
  let calls = 0;
  const hasty: Run = (program, args, options) => {
    calls += 1;
    return node.run(program, args, { ...options, limitMs: 300 });
  };
  for (const pid of daemons) process.kill(pid, "SIGSTOP");
  const outcomes = await applyWireGuard(hasty, "trs0-0", STEPS);
  for (const pid of daemons) process.kill(pid, "SIGCONT");
  expect({ calls, failed: outcomes.filter(({ error }) => error?.includes("no answer")).length }).toEqual({
    calls: 1,
    failed: STEPS.length,
  });
});
