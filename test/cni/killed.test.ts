import { afterEach, expect, test } from "@jest/globals";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import { makeCNINode } from "./support/cni-node.ts";
import type { CNINode, TestPod } from "./support/cni-node.ts";
import { awaitNoPods, awaitNothingLeft } from "./support/leftovers.ts";
import { addAsRuntime, deleteAsRuntime } from "./support/runtime.ts";

/** What is promised of addresses when the agent is killed while they are handed out. */

const PODS = 200;
/** So often a pod is one of the LAN: its addresses are claimed in the store, and answered for. */
const UNDERLAY = 5;
const KILLS = 20;
/** So often it is killed while they are deleted, too, and then looked for what is left: that takes a pass of the agent. */
const EVERY = 4;

let node: CNINode;
afterEach(() => node?.remove());

/** Does the same for all pods at once; the agent is killed once so many of them are done, and started again. */
async function whileKilled<T>(
  after: number,
  each: (pod: TestPod) => Promise<T>,
  pods: readonly TestPod[],
): Promise<T[]> {
  let done = 0;
  let killed: Promise<void> | undefined;
  const kill = async (): Promise<void> => {
    await node.killAgent();
    node.startAgent();
  };
  const results = await Promise.all(
    pods.map(async (pod) => {
      const result = await each(pod);
      done += 1;
      if (done === after) killed = kill();
      return result;
    }),
  );
  await killed;
  return results;
}

test("an agent that is killed in the middle of 200 ADDs, over and over, issues no address twice and loses none", async () => {
  node = await makeCNINode("killed");
  const annotationsOf = (at: number) => (at % UNDERLAY === 0 ? { [ANNOTATIONS.networkType]: "Underlay" } : {});
  const pods = await Promise.all(Array.from({ length: PODS }, (_, at) => node.makePod(`pod-${at}`, annotationsOf(at))));
  for (let round = 0; round < KILLS; round += 1) {
    const after = 5 + round * 9;
    const running = await whileKilled(after, (pod) => addAsRuntime(node, pod, `${pod.name}.${round}`), pods);
    expect(running.map(({ addresses }) => addresses.length)).toEqual(pods.map(() => 2));
    expect(new Set(running.flatMap(({ addresses }) => addresses)).size).toBe(2 * PODS);
    const sandboxes = new Map(running.map(({ pod, sandbox }) => [pod, sandbox]));
    const remove = (pod: TestPod): Promise<void> => deleteAsRuntime(node, pod, sandboxes.get(pod) ?? "");
    await whileKilled(round % EVERY === 0 ? after : 0, remove, pods);
    if (round % EVERY === 0) await awaitNoPods(node);
  }
  await awaitNothingLeft(node);
}, 1_800_000);
