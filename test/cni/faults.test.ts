import { afterEach, expect, test } from "@jest/globals";
import { CNI_CODES } from "../../member-agent/cni/cni-error.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import { call, makeCNINode } from "./support/cni-node.ts";
import type { CNINode, TestPod } from "./support/cni-node.ts";
import { awaitNothingLeft } from "./support/leftovers.ts";
import { addAsRuntime, deleteAsRuntime, failureOf, resultOf } from "./support/runtime.ts";
import type { Said } from "./support/plugin.ts";

/** What is promised of addresses when something breaks while they are handed out. */

const PODS = 200;
const KILLS = 20;
/** So often it is killed while they are deleted, too. */
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
  const pods = await Promise.all(Array.from({ length: PODS }, (_, at) => node.makePod(`pod-${at}`)));
  for (let round = 0; round < KILLS; round += 1) {
    const after = 5 + round * 9;
    const running = await whileKilled(after, (pod) => addAsRuntime(node, pod, `${pod.name}.${round}`), pods);
    expect(running.map(({ addresses }) => addresses.length)).toEqual(pods.map(() => 2));
    expect(new Set(running.flatMap(({ addresses }) => addresses)).size).toBe(2 * PODS);
    const sandboxes = new Map(running.map(({ pod, sandbox }) => [pod, sandbox]));
    const remove = (pod: TestPod): Promise<void> => deleteAsRuntime(node, pod, sandboxes.get(pod) ?? "");
    await whileKilled(round % EVERY === 0 ? after : 0, remove, pods);
  }
  await node.ready();
  await awaitNothingLeft(node);
}, 1_800_000);

test("with the store down a pod gets an address of its node's blocks, and one of the LAN is to be asked for again", async () => {
  node = await makeCNINode("storeless");
  const first = await node.makePod("first");
  const second = await node.makePod("second");
  const underlay = await node.makePod("underlay", { [ANNOTATIONS.networkType]: "Underlay" });
  const running = [await addAsRuntime(node, first, "a")];
  await node.killStore();
  running.push(await addAsRuntime(node, second, "b"));
  expect(failureOf(await call(node.socket, "ADD", underlay))).toMatchObject({
    code: CNI_CODES.tryAgainLater,
    msg: expect.stringMatching(/store/),
  });
  await deleteAsRuntime(node, underlay, underlay.name);
  // Nor is an agent that was killed meanwhile in need of it to know who has what.
  await node.killAgent();
  node.startAgent();
  for (const { pod, sandbox } of running)
    expect(await call(node.socket, "CHECK", pod, { sandbox })).toEqual({ code: 0, output: "" });
  await node.startStore();
  await node.ready();
  running.push(await addAsRuntime(node, underlay, "d"));
  expect(new Set(running.flatMap(({ addresses }) => addresses)).size).toBe(2 * running.length);
  await Promise.all(running.map(({ pod, sandbox }) => deleteAsRuntime(node, pod, sandbox)));
  await awaitNothingLeft(node);
}, 600_000);

/** Adds and deletes a pod until one of it is refused: what is left of a page of the journal has room for some. */
async function addUntilRefused(pod: TestPod): Promise<{ readonly sandbox: string; readonly refused: Said }> {
  for (let at = 0; at < 200; at += 1) {
    const sandbox = `until.${at}`;
    for (const command of ["ADD", "DEL"] as const) {
      const refused = await call(node.socket, command, pod, { sandbox });
      if (refused.code !== 0) return { sandbox, refused };
    }
  }
  throw new Error("a full disk took 200 pods");
}

test("with a full disk a call is refused in words and nothing is lost, and with room again it is well", async () => {
  node = await makeCNINode("full", { stateBytes: 512 * 1024 });
  const before = await node.makePod("before");
  const during = await node.makePod("during");
  const running = [await addAsRuntime(node, before, "a")];
  const ballast = `${node.state}/ballast`;
  await node.run("sh", ["-c", `dd if=/dev/zero of=${ballast} bs=4k 2>/dev/null || true`]);
  const { sandbox, refused } = await addUntilRefused(during);
  expect(failureOf(refused)).toMatchObject({
    code: CNI_CODES.tryAgainLater,
    msg: expect.stringMatching(/space|ENOSPC/),
  });
  expect(await call(node.socket, "CHECK", before, { sandbox: "a.0" })).toEqual({ code: 0, output: "" });
  await node.run("rm", [ballast]);
  await deleteAsRuntime(node, during, sandbox);
  running.push(await addAsRuntime(node, during, "b"));
  await node.killAgent();
  node.startAgent();
  await node.ready();
  const again = await call(node.socket, "ADD", before, { sandbox: "a.0" });
  expect(resultOf(again.output).ips.map(({ address }) => address)).toEqual(running[0]?.addresses);
  expect(new Set(running.flatMap(({ addresses }) => addresses)).size).toBe(4);
  await Promise.all(running.map((each) => deleteAsRuntime(node, each.pod, each.sandbox)));
  await awaitNothingLeft(node);
}, 600_000);
