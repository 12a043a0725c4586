import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { changePods } from "../../lab/change-pods.ts";
import { hostsOf } from "../../lab/node-runtime.ts";
import { notePods, requirePod } from "../../lab/pod-records.ts";
import { addPodNetwork, deletePodNetwork } from "../../lab/runtime.ts";
import { sandboxOf } from "../../lab/start-pods.ts";
import { stateOf } from "../../lab/state.ts";
import type { PodState } from "../../lab/state.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { cutRange } from "./support/cut-range.ts";
import { addressesOf, awaitMeeting, hostRoute, knownAddresses } from "./support/pod-addresses.ts";
import { startPings } from "./support/ping.ts";
import type { Pinging } from "./support/ping.ts";
import { LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";

/** Addresses of pods while an agent, the store or a node is gone. */

const lab = newTestLab();
const { signal } = new AbortController();
const FILE = path.join(import.meta.dirname, "addresses.yaml");
/** A node is gone a minute after its object is, as long as somebody looked on; that begins anew when nobody did. */
const GONE_LIMIT_MS = 180_000;
const KEPT = { namespace: "default", name: "kept-0", owner: { kind: "StatefulSet", name: "kept" } };
/** A Subnet of two blocks. */
const TINY = ["--annotation", "trestle.dev/subnet=one"];

beforeAll(async () => {
  await lab.up(FILE);
  await cutRange(lab, "east");
  await lab.do("pod", "add", "east/near", "east/stand", "--node", "a");
  await lab.do("pod", "add", "east/api", "east/old", "--node", "b");
  await lab.do("pod", "add", "east/plain", "--node", "c");
  await lab.do("pod", "add", "east/kept-0", "--node", "c", "--owner", "StatefulSet/kept");
  await lab.do("pod", "add", "east/tiny", "--node", "c", ...TINY);
}, LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

const podState = (name: string): PodState => requirePod(stateOf(lab.lab).pods, "east", name);
const runtimeOf = (node: string) => hostsOf(lab.lab)({ cluster: "east", node }).runtime;

/** Waits until the store says that pods have these addresses on that node, and no others. */
async function awaitKnown(
  wanted: Readonly<Record<string, readonly [node: string, addresses: readonly string[]]>>,
  limitMs?: number,
): Promise<void> {
  await eventually(async () => {
    const all = Map.groupBy(await knownAddresses(lab, "east"), ({ pod }) => pod);
    const wrong = Object.entries(wanted).flatMap(([pod, [node, addresses]]) => {
      const seen = all.get(`default/${pod}`) ?? [];
      const isSo = isDeepStrictEqual(new Set(seen.map(({ address }) => address)), new Set(addresses));
      return isSo && seen.every((each) => each.node === node) ? [] : [{ pod, node, addresses, seen }];
    });
    return wrong.length === 0 || wrong;
  }, limitMs);
}

/** Waits until that many more pings were answered. */
async function passes(pings: Pinging, count: number): Promise<void> {
  const goal = pings.seen().answered + count;
  await eventually(() => pings.seen().answered >= goal || pings.seen());
}

test(
  "an agent that is killed leaves its pods what they have; new ones are told to wait, and get theirs when it is back",
  async () => {
    const before = addressesOf(lab, "east/plain");
    const pings = await startPings(lab.place("west/eye"), lab.pod("east/plain"));
    await lab.break("agent:east/c");
    const late = ["lab", "pod", "add", "east/late", "--node", "c", "--name", lab.name];
    const { code, err } = await lab.try(...late);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/^error: agent:east\/c does not run, and nobody else can give pods a network/),
    });
    await passes(pings, 50);
    await lab.mend("agent:east/c");
    await lab.do("pod", "add", "east/late", "--node", "c");
    await passes(pings, 50);
    expect((await pings.stop()).lost).toEqual([]);
    await awaitKnown({ plain: ["c", before], late: ["c", addressesOf(lab, "east/late")] });
    expect(addressesOf(lab, "east/late").filter((each) => before.includes(each))).toEqual([]);
    await awaitMeeting(lab, "west/eye", ["east/plain", "east/late", "east/kept-0"]);
  },
  LAB_LIMIT_MS,
);

test(
  "with the store down pods run on, are taken away, and a pod that was known before gets addresses of a block of its node",
  async () => {
    const former = addressesOf(lab, "east/api");
    const old = addressesOf(lab, "east/old");
    await awaitKnown({ api: ["b", former], old: ["b", old] });
    const pings = await startPings(lab.place("west/eye"), lab.pod("east/plain"));
    await lab.break("store:east");
    const pod = podState("api");
    const runtime = runtimeOf("b");
    await deletePodNetwork(runtime, sandboxOf(lab.lab, pod), signal);
    const sandbox = randomBytes(32).toString("hex");
    const addresses = await addPodNetwork(runtime, { ...sandboxOf(lab.lab, pod), id: sandbox }, signal);
    await notePods(lab.lab, [{ ...pod, sandbox, addresses }]);
    expect(addresses).toHaveLength(2);
    expect(addresses.filter((each) => former.includes(each))).toEqual([]);
    await awaitMeeting(lab, "west/eye", ["east/api", "east/near"]);

    const { code, err } = await lab.try("lab", "pod", "remove", "east/old", "--force", "--name", lab.name);
    expect({ code, err }).toEqual({ code: 0, err: expect.stringContaining("east/old is gone") });
    for (const address of old) expect(await hostRoute(lab.place("east/b"), address)).toBe("none");
    await passes(pings, 50);
    expect((await pings.stop()).lost).toEqual([]);

    await lab.mend("store:east");
    await awaitKnown({ api: ["b", addresses], old: ["b", []] });
  },
  LAB_LIMIT_MS,
);

test(
  "a node that is gone gives its pods' addresses back after a minute, and what is retained waits for its pod",
  async () => {
    const kept = addressesOf(lab, "east/kept-0");
    await awaitKnown({ plain: ["c", addressesOf(lab, "east/plain")] });
    await lab.break("agent:east/c");
    await lab.at("east", "delete", "node", "c");
    const since = performance.now();
    await awaitKnown({ "kept-0": ["none", kept], plain: ["c", []], late: ["c", []], tiny: ["c", []] }, GONE_LIMIT_MS);
    const ms = Math.round(performance.now() - since);
    console.log(`addresses of a gone node's pods were free after ${ms} ms`);
    expect(ms).toBeGreaterThan(50_000);
  },
  LAB_LIMIT_MS + GONE_LIMIT_MS,
);

test(
  "a gone node's addresses go to others; when it is back, only pods that lost theirs are cut off, and can't take them away again",
  async () => {
    const [kept, plain] = ["east/kept-0", "east/plain"].map((pod) => addressesOf(lab, pod)) as [string[], string[]];
    // The pod in its new place has the network of another, for the lab's pod of that name still runs on the gone node.
    const put = [{ ...KEPT, node: "a", annotations: {} }];
    const [uid = ""] = await changePods(lab.lab, "east", { put }, signal);
    const stand = podState("stand");
    const runtime = runtimeOf("a");
    await deletePodNetwork(runtime, sandboxOf(lab.lab, stand), signal);
    const sandbox = { ...sandboxOf(lab.lab, stand), pod: { namespace: "default", name: "kept-0", uid } };
    const id = randomBytes(32).toString("hex");
    const addresses = await addPodNetwork(runtime, { ...sandbox, id }, signal);
    await notePods(lab.lab, [{ ...stand, sandbox: id, addresses }]);
    expect(new Set(addresses)).toEqual(new Set(kept));
    await awaitKnown({ "kept-0": ["a", kept] });
    await lab.do("pod", "add", "east/heir", "--node", "a", ...TINY);
    const [tiny = ""] = addressesOf(lab, "east/tiny");
    expect(addressesOf(lab, "east/heir")).toEqual([tiny]);
    await awaitMeeting(lab, "west/eye", ["east/stand", "east/heir"]);

    const given = [...kept, tiny];
    for (const address of given) expect(await hostRoute(lab.place("east/c"), address)).toBe("wire");
    const pings = await startPings(lab.place("west/eye"), lab.pod("east/stand"));
    await lab.mend("agent:east/c");
    await awaitKnown({ plain: ["c", plain] });
    await eventually(async () => {
      const seen = await Promise.all(given.map((address) => hostRoute(lab.place("east/c"), address)));
      return seen.every((way) => way !== "wire") || seen;
    });
    await lab.do("pod", "remove", "east/kept-0", "east/tiny");
    await awaitMeeting(lab, "west/eye", ["east/stand", "east/heir", "east/plain", "east/late"]);
    expect((await pings.stop()).lost).toEqual([]);
    await awaitKnown({ "kept-0": ["a", kept], heir: ["a", [tiny]] });
  },
  LAB_LIMIT_MS,
);

test(
  "when all pods are gone, no address is in use",
  async () => {
    const pods = stateOf(lab.lab).pods.filter(({ cluster }) => cluster === "east");
    await lab.do("pod", "remove", ...pods.map(({ name }) => `east/${name}`));
    await changePods(lab.lab, "east", { delete: [KEPT], withOwners: true }, signal);
    await eventually(async () => {
      const left = await knownAddresses(lab, "east");
      return left.length === 0 || left;
    });
  },
  LAB_LIMIT_MS,
);
