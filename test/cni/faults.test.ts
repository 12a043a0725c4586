import { afterEach, expect, test } from "@jest/globals";
import { readFile, rm, writeFile } from "node:fs/promises";
import path from "node:path";
import { crc32 } from "node:zlib";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { CNI_CODES } from "../../member-agent/cni/cni-error.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { call, makeCNINode } from "./support/cni-node.ts";
import type { CNINode, TestPod } from "./support/cni-node.ts";
import { awaitNothingLeft } from "./support/leftovers.ts";
import { addAsRuntime, deleteAsRuntime, failureOf, resultOf } from "./support/runtime.ts";
import type { RunningPod } from "./support/runtime.ts";
import { configuration } from "./support/plugin.ts";
import type { Said } from "./support/plugin.ts";

/** What is promised of addresses when something breaks while they are handed out. */

/** What is said of success where there is nothing else to say. */
const DONE = { code: 0, output: "" };
const SLOW_MS = 600_000;
const UNDERLAY_POD = { [ANNOTATIONS.networkType]: "Underlay" };
/** Its addresses are blocks of one. */
const NAMED_POD = { [ANNOTATIONS.ip]: "10.64.255.1,fd10:64::ff01" };

let node: CNINode;
afterEach(() => node?.remove());

test(
  "with the store down a pod gets an address of its node's blocks, and one of the LAN is to be asked for again",
  async () => {
    node = await makeCNINode("storeless");
    const first = await node.makePod("first");
    const second = await node.makePod("second");
    const underlay = await node.makePod("underlay", UNDERLAY_POD);
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
    for (const { pod, sandbox } of running) expect(await call(node.socket, "CHECK", pod, { sandbox })).toEqual(DONE);
    await node.startStore();
    await node.ready();
    running.push(await addAsRuntime(node, underlay, "d"));
    expect(new Set(running.flatMap(({ addresses }) => addresses)).size).toBe(2 * running.length);
    await Promise.all(running.map(({ pod, sandbox }) => deleteAsRuntime(node, pod, sandbox)));
    await awaitNothingLeft(node);
  },
  SLOW_MS,
);

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

test(
  "with a full disk a call is refused in words and nothing is lost, and with room again it is well",
  async () => {
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
    expect(await call(node.socket, "CHECK", before, { sandbox: "a.0" })).toEqual(DONE);
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
  },
  SLOW_MS,
);

/** Gets pods onto the network, and waits until the store has heard of them. */
async function addAll(...pods: readonly TestPod[]): Promise<readonly RunningPod[]> {
  const running = await Promise.all(pods.map((pod) => addAsRuntime(node, pod, pod.name)));
  await eventually(async () => {
    const known = (await node.store.list(ipInstanceKind)).map(({ spec }) => spec.attachment?.sandbox);
    return running.every(({ sandbox }) => known.includes(sandbox)) || known;
  });
  return running;
}

test.each([
  ["before it has heard from the store", { isHeard: false }],
  ["once it has found what has a wire", { isHeard: true }],
])(
  "an agent that lost its disk has a DEL done %s, twice, and nothing is left",
  async (_, { isHeard }) => {
    node = await makeCNINode("diskless");
    const pods = { overlay: {}, underlay: UNDERLAY_POD, named: NAMED_POD };
    const made = await Promise.all(Object.entries(pods).map(([name, annotations]) => node.makePod(name, annotations)));
    const running = await addAll(...made);
    await node.killAgent();
    await rm(node.state, { recursive: true });
    if (!isHeard) await node.killStore();
    node.startAgent();
    if (isHeard) await node.ready();
    for (const _time of ["first", "second"]) {
      for (const { pod, sandbox } of running) expect(await call(node.socket, "DEL", pod, { sandbox })).toEqual(DONE);
    }
    if (!isHeard) await node.startStore();
    await node.ready();
    await awaitNothingLeft(node);
    // They are free: who asks for them by name gets them.
    for (const { pod, addresses } of running.slice(1)) {
      const ip = addresses.map((address) => address.replace(/\/\d+$/, "")).join();
      const next = await node.makePod(`next-${pod.name}`, { [ANNOTATIONS.ip]: ip });
      expect(await addAsRuntime(node, next, next.name)).toMatchObject({ addresses });
    }
  },
  SLOW_MS,
);

test(
  "a journal of a later version is named to the runtime, and nothing is lost by it",
  async () => {
    node = await makeCNINode("later");
    const [first, second, other] = [
      await node.makePod("first"),
      await node.makePod("second", UNDERLAY_POD),
      await node.makePod("other"),
    ];
    const running = await addAll(first, second);
    await node.killAgent();
    const file = path.join(node.state, "ipam.journal");
    const own = await readFile(file, "utf8");
    const head = JSON.stringify({ journal: "ipam.journal", version: 99 });
    const later = `${crc32(head).toString(16).padStart(8, "0")} ${head}\n${own.slice(own.indexOf("\n") + 1)}`;
    await writeFile(file, later);
    node.startAgent();
    const msg = expect.stringMatching(new RegExp(`^${file} was written by a later version`));
    expect(failureOf(await call(node.socket, "STATUS"))).toMatchObject({ code: CNI_CODES.notAvailable, msg });
    for (const [command, pod] of [
      ["ADD", other],
      ["CHECK", first],
      ["DEL", first],
      ["GC", undefined],
    ] as const) {
      const refused = failureOf(await call(node.socket, command, pod));
      expect(refused).toMatchObject({ code: CNI_CODES.tryAgainLater, msg });
    }
    expect(await readFile(file, "utf8")).toBe(later);
    for (const address of running.flatMap(({ addresses }) => addresses)) {
      await node.run("ping", ["-c", "1", "-W", "5", address.replace(/\/\d+$/, "")]);
    }
    await node.killAgent();
    await writeFile(file, own);
    node.startAgent();
    await node.ready();
    for (const { pod, sandbox, addresses } of running) {
      expect(await call(node.socket, "CHECK", pod, { sandbox })).toEqual(DONE);
      const { output } = await call(node.socket, "ADD", pod, { sandbox });
      expect(resultOf(output).ips.map(({ address }) => address)).toEqual(addresses);
      await deleteAsRuntime(node, pod, sandbox);
    }
    await awaitNothingLeft(node);
  },
  SLOW_MS,
);

test(
  "STATUS is an error until the node knows its addresses, and a GC takes what is not valid and nothing else",
  async () => {
    node = await makeCNINode("status");
    const running = await addAll(await node.makePod("first"), await node.makePod("second", UNDERLAY_POD));
    const [valid, stale] = running as [RunningPod, RunningPod];
    const third = await node.makePod("third");
    await Promise.all([node.killStore(), node.killAgent()]);
    node.startAgent();
    const { code, msg } = failureOf(await call(node.socket, "STATUS"));
    expect([CNI_CODES.notAvailable, CNI_CODES.notAvailableNorConnected]).toContain(code);
    expect(msg).toMatch(/ yet(:|$)/);
    expect(failureOf(await call(node.socket, "ADD", third))).toMatchObject({ code: CNI_CODES.tryAgainLater });
    await node.startStore();
    await node.ready();
    expect(await call(node.socket, "STATUS")).toEqual(DONE);
    const attachments = [{ containerID: valid.sandbox, ifname: "eth0" }];
    const config = { ...configuration(), "cni.dev/valid-attachments": attachments };
    expect(await call(node.socket, "GC", undefined, { config })).toEqual(DONE);
    expect(await call(node.socket, "CHECK", valid.pod, { sandbox: valid.sandbox })).toEqual(DONE);
    expect(failureOf(await call(node.socket, "CHECK", stale.pod, { sandbox: stale.sandbox }))).toMatchObject({
      code: CNI_CODES.broken,
    });
    await deleteAsRuntime(node, valid.pod, valid.sandbox);
    await awaitNothingLeft(node);
  },
  SLOW_MS,
);
