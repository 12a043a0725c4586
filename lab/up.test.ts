import { afterAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { systemClock } from "../platform/clock.ts";
import { runner } from "../platform/run.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { addPod } from "./add-pod.ts";
import { checkLab } from "./check.ts";
import { takeDown } from "./down.ts";
import { breakTarget, mendTarget } from "./faults.ts";
import { layoutOf } from "./layout.ts";
import { listNetns } from "./netns.ts";
import { isAlive } from "./process.ts";
import type { Progress } from "./progress.ts";
import { parseLabFile } from "./read-file.ts";
import { shapeOf } from "./show.ts";
import { openLab, stateOf } from "./state.ts";
import { askHub } from "./trestle.ts";
import { bringUp } from "./up.ts";

const FILE = parseLabFile(
  `
pools:
  - { name: pods, cidr: 10.64.0.0/12, clusterPrefixLength: 16 }
  - { name: pods6, cidr: "fd64::/40", clusterPrefixLength: 56 }
clusters:
  - name: east
    lan: [192.168.1.0/24, "fd00:1::/64"]
    families: [4, 6]
    labels: { tier: prod }
    nodes: [{ name: a, gateway: true }, { name: b }]
    pods: [{ name: web, node: b }]
  - name: west
    lan: "fd00:2::/64"
    nat: true
    labels: { tier: prod }
    nodes: [{ name: a, gateway: true }]
    pods: [{ name: db, node: a }]
links: [{ name: prod, selector: { tier: prod } }]
`,
  "test.yaml",
);

const { signal } = new AbortController();
const host = runner();
const steps: string[] = [];
const listed: Progress = { say: () => undefined, step: (title, action) => (steps.push(title), action()) };
const newLab = () => openLab(`t${randomBytes(4).toString("hex")}`, systemClock);
const lab = newLab();

afterAll(async () => {
  await takeDown(lab, host, signal);
}, 60_000);

test("a lab that stops at a stage has what that stage says, and goes on from there", async () => {
  await bringUp(lab, FILE, "hub", { progress: listed, signal });
  expect(Object.keys(stateOf(lab).processes).filter((key) => !key.startsWith("holder"))).toEqual(["hub"]);
  await bringUp(lab, FILE, "agents", { progress: listed, signal });
  expect(stateOf(lab)).toMatchObject({ joined: expect.arrayContaining(["east", "west"]), pods: [] });
  await bringUp(lab, FILE, "all", { progress: listed, signal });
  expect(stateOf(lab).pods).toHaveLength(2);
}, 180_000);

test("brought up stage by stage, clusters reach each other's pods through the mesh, one without IPv4 and behind NAT", async () => {
  const { report, holes } = await checkLab(lab, signal);
  expect(holes).toEqual([]);
  expect(report).toMatchObject({ passed: 2, failed: 0 });
  expect(shapeOf(lab).clusters.map(({ podCIDRs }) => podCIDRs)).toEqual([
    ["10.64.0.0/16", "fd64::/56"],
    ["10.65.0.0/16"],
  ]);
  expect(existsSync(`${lab.dir}/clusters/east/join.token`)).toBe(false);
}, 60_000);

test("a pod added later gets an address of its node's block, and reaches all the others", async () => {
  const added = await addPod(
    lab,
    { cluster: "east", name: "late", namespace: "default", annotations: {} },
    undefined,
    signal,
  );
  expect(added).toMatchObject({
    node: "a",
    addresses: [expect.stringMatching(/\.2$/), expect.stringMatching(/::.*2$/)],
  });
  const { report, holes } = await checkLab(lab, signal);
  expect(holes).toEqual([]);
  expect(report.pairs.filter(({ family }) => family === 4)).toHaveLength(6);
  expect(report.pairs.filter(({ family }) => family === 6)).toHaveLength(2);
}, 60_000);

test.each(["hub", "store:east", "agent:east/a"])(
  "%s killed: its processes are gone, pods go on, and mended it serves again",
  async (target) => {
    const key = target;
    const before = stateOf(lab).processes[key];
    await breakTarget(lab, target, signal);
    expect(before && isAlive(before)).toBe(false);
    expect((await checkLab(lab, signal)).holes).toEqual([]);
    await mendTarget(lab, target, signal);
    expect(stateOf(lab).processes[target]).not.toEqual(before);
  },
  90_000,
);

test("up again starts what ended and keeps the rest", async () => {
  await breakTarget(lab, "agent:west/a", signal);
  const { processes } = stateOf(lab);
  await bringUp(lab, FILE, "all", { progress: listed, signal });
  const changed = Object.entries(stateOf(lab).processes).filter(
    ([key, process]) => process.pid !== processes[key]?.pid,
  );
  expect(changed.map(([key]) => key)).toEqual(["agent:west/a"]);
}, 90_000);

test("a deleted link parts its clusters, and check demands it", async () => {
  await askHub(lab, layoutOf(lab.name, FILE), ["link", "delete", "prod"], signal);
  await eventually(async () => {
    const { report, holes } = await checkLab(lab, signal);
    return (report.failed === 0 && report.isolated.length === 4) || holes;
  }, 40_000);
}, 60_000);

test("a hub that can't start is told with the step and the end of its log; what was made is taken away", async () => {
  const unlucky = newLab();
  steps.length = 0;
  mkdirSync(unlucky.dir, { recursive: true });
  writeFileSync(`${unlucky.dir}/hub`, "in the way of its folder");
  await expect(bringUp(unlucky, FILE, "all", { progress: listed, signal })).rejects.toThrow(
    /hub ended before it served; its log:\n.*hub.log:\n  ./,
  );
  expect(steps.at(-1)).toBe("hub, with its pools");
  await takeDown(unlucky, host, signal);
  expect(listNetns().filter((netns) => netns.startsWith(unlucky.name))).toEqual([]);
}, 60_000);

test("what is stopped half-way can be taken away", async () => {
  const stopped = newLab();
  const stop = new AbortController();
  const impatient: Progress = {
    say: () => undefined,
    step: (title, action) => (title.startsWith("east") && stop.abort(), action()),
  };
  await expect(bringUp(stopped, FILE, "all", { progress: impatient, signal: stop.signal })).rejects.toThrow("stopped");
  expect(await takeDown(stopped, host, signal)).toBe(true);
  expect(listNetns().filter((netns) => netns.startsWith(stopped.name))).toEqual([]);
  expect(existsSync(stopped.dir)).toBe(false);
}, 60_000);
