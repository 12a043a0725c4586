import { afterAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { runner } from "../platform/run.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { addPods } from "./add-pods.ts";
import type { PodRequest } from "./add-pods.ts";
import { checkLab } from "./check.ts";
import { takeDown } from "./down.ts";
import { breakTarget, mendTarget } from "./faults.ts";
import { layoutOf } from "./layout.ts";
import { listNetns } from "./netns.ts";
import { findPlace, requireSite } from "./place.ts";
import { isAlive } from "./process.ts";
import type { Progress } from "./progress.ts";
import { parseLabFile } from "./read-file.ts";
import { removePods } from "./remove-pods.ts";
import { shapeOf } from "./show.ts";
import { openLab, stateOf } from "./state.ts";
import { askCluster, askHub } from "./trestle.ts";
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

/** A part of the LAN that no machine has an address in. */
const OFFICE = `
apiVersion: trestle.dev/v1alpha1
kind: Network
metadata: { name: office }
spec: { type: Underlay }
---
apiVersion: trestle.dev/v1alpha1
kind: Subnet
metadata: { name: office }
spec:
  network: office
  cidr: 192.168.1.0/24
  gateway: 192.168.1.1
  range: { start: 192.168.1.200, end: 192.168.1.220 }
`;

const { signal } = new AbortController();
const host = runner();
const steps: string[] = [];
const listed: Progress = { say: () => undefined, step: (title, action) => (steps.push(title), action()) };
const newLab = () => openLab(`t${randomBytes(4).toString("hex")}`, systemClock);
const lab = newLab();
const eastSite = () => requireSite(layoutOf(lab.name, FILE), "east");

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

const wish = (name: string, more: Partial<PodRequest> = {}): PodRequest => {
  return { name, namespace: "default", annotations: {}, ...more };
};
const WHOLE = { withOwner: false, force: false };
const recorded = (name: string) => stateOf(lab).pods.find((pod) => pod.name === name);
const onNode = (node: string) => findPlace(lab, stateOf(lab), `east/${node}`).run;

test("a pod added later has addresses of its cluster, and reaches all the others", async () => {
  const [added] = await addPods(lab, "east", [wish("late")], signal);
  expect(added).toMatchObject({
    node: "a",
    addresses: [expect.stringMatching(/^10\.64\./), expect.stringMatching(/^fd64:/)],
  });
  const { report, holes } = await checkLab(lab, signal);
  expect(holes).toEqual([]);
  expect(report.pairs.filter(({ family }) => family === 4)).toHaveLength(6);
  expect(report.pairs.filter(({ family }) => family === 6)).toHaveLength(2);
}, 120_000);

test("a removed pod is gone with its processes and its wire", async () => {
  const [pod] = await addPods(lab, "east", [wish("gone")], signal);
  const { run, netns } = findPlace(lab, stateOf(lab), "east/gone");
  const ended = run("sleep", ["300"], { limitMs: 300_000 }).catch(messageOf);
  const route = () => onNode("a")("ip", ["route", "show", `${pod?.addresses[0] ?? ""}/32`]);
  expect(await route()).toContain("dev tp");
  expect(await removePods(lab, "east", ["gone"], WHOLE, signal)).toEqual([]);
  expect(await ended).toContain("sleep");
  expect(listNetns()).not.toContain(netns);
  expect(await route()).toBe("");
  expect(recorded("gone")).toBeUndefined();
  await expect(removePods(lab, "east", ["gone"], WHOLE, signal)).rejects.toThrow(
    /there is no pod east\/gone; there are .*east\/web/,
  );
}, 120_000);

test("many pods of one node start at once, each with addresses of its own", async () => {
  const names = Array.from({ length: 40 }, (_, at) => `many-${at}`);
  const pods = await addPods(
    lab,
    "east",
    names.map((name) => wish(name, { node: "b" })),
    signal,
  );
  const addresses = pods.flatMap((pod) => pod.addresses);
  expect(new Set(addresses).size).toBe(2 * names.length);
  expect(await removePods(lab, "east", names, WHOLE, signal)).toEqual([]);
  expect(
    stateOf(lab)
      .pods.map(({ name }) => name)
      .toSorted(),
  ).toEqual(["db", "late", "web"]);
}, 240_000);

test("a StatefulSet's pod that comes again, elsewhere, has the address that it had, unless the set is gone", async () => {
  const pod = wish("set-0", { owner: { kind: "StatefulSet", name: "set" } });
  const [first] = await addPods(lab, "east", [pod], signal);
  await removePods(lab, "east", ["set-0"], WHOLE, signal);
  // An address that was freed would be among the last to be given again.
  const [second] = await addPods(lab, "east", [{ ...pod, node: "b" }], signal);
  expect(second?.addresses).toEqual(first?.addresses);
  expect(second?.uid).not.toBe(first?.uid);
  await removePods(lab, "east", ["set-0"], { ...WHOLE, withOwner: true }, signal);
  await eventually(async () => {
    const ips = await askCluster(lab, stateOf(lab), eastSite(), ["get", "ips", "--output", "json"], signal);
    return !ips.includes('"set-0"') || ips;
  });
}, 240_000);

test("a pod that chooses its LAN has an address there, next to pods of the overlay", async () => {
  const file = `${lab.dir}/office.yaml`;
  writeFileSync(file, OFFICE);
  await askCluster(lab, stateOf(lab), eastSite(), ["apply", "--filename", file], signal);
  const annotations = { "trestle.dev/subnet": "office" };
  const [till] = await addPods(lab, "east", [wish("till", { annotations })], signal);
  const address = till?.addresses[0] ?? "";
  expect(address).toMatch(/^192\.168\.1\.2[0-2]\d$/);
  const shown = shapeOf(lab).clusters[0]?.pods ?? [];
  expect(Object.fromEntries(shown.map(({ name, network }) => [name, network]))).toEqual({
    web: "overlay",
    late: "overlay",
    till: "underlay",
  });
  for (const place of ["east/b", "east/web", "east/router"]) {
    const { run } = findPlace(lab, stateOf(lab), place);
    await eventually(async () => run("ping", ["-n", "-c", "1", "-W", "2", address]).then(() => true, messageOf));
  }
  await removePods(lab, "east", ["till"], WHOLE, signal);
}, 240_000);

test("a pod that can't be started is taken away again, and what its node said is told", async () => {
  const annotations = { "trestle.dev/subnet": "nowhere" };
  const adding = addPods(lab, "east", [wish("lost", { annotations }), wish("found")], signal);
  await expect(adding).rejects.toThrow(/nowhere/);
  expect(recorded("lost")).toBeUndefined();
  expect(recorded("found")?.addresses).toHaveLength(2);
  await removePods(lab, "east", ["found"], WHOLE, signal);
}, 120_000);

test("without its agent a node gives and takes no network; a pod may be removed all the same", async () => {
  await addPods(lab, "east", [wish("stuck")], signal);
  await breakTarget(lab, "agent:east/a", signal);
  await expect(addPods(lab, "east", [wish("new")], signal)).rejects.toThrow(
    /agent:east\/a does not run.*agent-east-a.log/s,
  );
  await expect(removePods(lab, "east", ["stuck"], WHOLE, signal)).rejects.toThrow(
    "agent:east/a does not run, so that the network of east/stuck can't be given back; trestle lab mend agent:east/a",
  );
  expect(recorded("stuck")).toBeDefined();
  expect(await removePods(lab, "east", ["stuck"], { ...WHOLE, force: true }, signal)).toEqual([
    expect.stringContaining("agent:east/a does not run"),
  ]);
  expect(recorded("stuck")).toBeUndefined();
  await mendTarget(lab, "agent:east/a", signal);
}, 120_000);

test("a pod that lost its namespace is started again by up, in a new sandbox", async () => {
  const before = recorded("web");
  await host("ip", ["netns", "delete", findPlace(lab, stateOf(lab), "east/web").netns]);
  await bringUp(lab, FILE, "all", { progress: listed, signal });
  const after = recorded("web");
  expect(after?.uid).toBe(before?.uid);
  expect(after?.sandbox).not.toBe(before?.sandbox);
  expect(after?.addresses).toHaveLength(2);
  expect((await checkLab(lab, signal)).holes).toEqual([]);
}, 120_000);

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
