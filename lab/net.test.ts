import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { existsSync, readdirSync, readFileSync, writeFileSync } from "node:fs";
import { systemClock } from "../platform/clock.ts";
import { messageOf } from "../platform/errors.ts";
import { runner } from "../platform/run.ts";
import { checkLab } from "./check.ts";
import { takeDown } from "./down.ts";
import { breakTarget, mendTarget } from "./faults.ts";
import { enterLab, keepFolder, runInherited } from "./enter.ts";
import { layoutOf } from "./layout.ts";
import { listNetns } from "./netns.ts";
import { findPlace } from "./place.ts";
import { isAlive, killAll, readStat } from "./process.ts";
import type { Progress } from "./progress.ts";
import { parseLabFile } from "./read-file.ts";
import { shapeOf } from "./show.ts";
import { openLab, readState, stateOf } from "./state.ts";
import type { Lab } from "./state.ts";
import { addBarePod } from "./testing/bare-pods.ts";
import { measureThroughput } from "./throughput.ts";
import { bringUp } from "./up.ts";
import { waitUntil } from "./wait.ts";

const FILE = parseLabFile(
  `
pools: [{ name: pods, cidr: 10.64.0.0/12, clusterPrefixLength: 16 }]
clusters:
  - { name: east, lan: 192.168.1.0/24, nodes: [{ name: a, gateway: true }, { name: b }] }
  - { name: west, lan: 192.168.2.0/24, mtu: 1400, nodes: [{ name: a, gateway: true }] }
  - { name: edge, lan: 192.168.3.0/24, nodes: [{ name: a, gateway: true }] }
links: [{ name: one, clusters: [east, west] }]
`,
  "test.yaml",
);

const BLOCKS = {
  "east/a": "10.64.0.0/24",
  "east/b": "10.64.1.0/24",
  "west/a": "10.65.0.0/24",
  "edge/a": "10.66.0.0/24",
};
const quiet: Progress = { say: () => undefined, step: (_, action) => action() };
const { signal } = new AbortController();
const host = runner();

function newLab(): Lab {
  return openLab(`t${randomBytes(4).toString("hex")}`, systemClock);
}

/** What a lab could leave on this machine, by its name where others work beside us. */
async function traces({ name, dir }: Lab): Promise<object> {
  const processes = readdirSync("/proc").filter((pid) => /^\d+$/.test(pid) && commandLine(pid).includes(`${name}-`));
  return {
    namespaces: listNetns().filter((netns) => netns.startsWith(name)),
    processes: processes.map(commandLine),
    links: (await host("ip", ["-br", "link"])).split("\n").map((line) => line.split(" ")[0]),
    mounts: readFileSync("/proc/self/mountinfo", "utf8")
      .split("\n")
      .filter((line) => line.includes(`/${name}`)),
    state: existsSync(dir),
  };
}

function commandLine(pid: string): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, "utf8").replaceAll("\0", " ");
  } catch {
    return "";
  }
}

/** What agents would do: forward, and route the pods' blocks, in clear. East and west are "linked", edge is not. */
async function routeByHand(lab: Lab): Promise<void> {
  const at = (place: string) => findPlace(lab, stateOf(lab), place).run;
  for (const node of Object.keys(BLOCKS)) await at(node)("sysctl", ["-qw", "net.ipv4.ip_forward=1"]);
  await at("east/a")("ip", ["route", "add", BLOCKS["east/b"], "via", "192.168.1.11"]);
  await at("east/b")("ip", ["route", "add", BLOCKS["east/a"], "via", "192.168.1.10"]);
  for (const [place, block, gateway] of [
    ["wan", "10.64.0.0/23", "203.0.113.2"],
    ["wan", "10.65.0.0/24", "203.0.113.10"],
    ["east/router", "10.64.0.0/24", "192.168.1.10"],
    ["east/router", "10.64.1.0/24", "192.168.1.11"],
    ["west/router", "10.65.0.0/24", "192.168.2.10"],
    ["edge/router", "10.66.0.0/24", "192.168.3.10"],
  ] as const) {
    await at(place)("ip", ["route", "add", block, "via", gateway]);
  }
}

const lab = newLab();
let before: object;

beforeAll(async () => {
  before = await traces(lab);
  await bringUp(lab, FILE, "net", { progress: quiet, signal });
  await routeByHand(lab);
  const pods = [
    ["east", "web", "a", "10.64.0.2"],
    ["east", "api", "b", "10.64.1.2"],
    ["west", "db", "a", "10.65.0.2"],
    ["west", "cache", "a", "10.65.0.3"],
    ["edge", "cam", "a", "10.66.0.2"],
  ] as const;
  await Promise.all(
    pods.map(([cluster, name, node, address]) => addBarePod(lab, { cluster, name, node, addresses: [address] })),
  );
}, 60_000);

afterAll(async () => {
  await takeDown(lab, host, signal);
}, 60_000);

test("every node reaches every other over the WAN, and has its own hash seed", async () => {
  const state = stateOf(lab);
  const seeds = new Set<string>();
  for (const { nodes } of layoutOf(lab.name, FILE).sites) {
    for (const node of nodes) {
      const { run } = findPlace(lab, state, `${node.cluster}/${node.name}`);
      await run("ping", ["-c", "1", "-W", "5", "192.168.3.10"]);
      await run("ping", ["-c", "1", "-W", "5", "198.51.100.10"]);
      seeds.add(await run("cat", ["/proc/sys/net/ipv4/fib_multipath_hash_seed"]));
    }
  }
  expect(seeds.size).toBe(4);
});

test.each(["/var/run/wireguard", "/run/trestle"])("what one node has in %s no other has", async (folder) => {
  const at = (place: string) => findPlace(lab, stateOf(lab), place).run;
  await at("east/a")("touch", [`${folder}/mine`]);
  await expect(at("east/b")("ls", [`${folder}/mine`])).rejects.toThrow("No such file");
  expect(existsSync(`${folder}/mine`)).toBe(false);
  expect(await at("east/a")("cat", [`${lab.dir}/state.json`])).toBe(readFileSync(`${lab.dir}/state.json`, "utf8"));
});

test("check finds linked pods reachable by their own addresses and the others apart", async () => {
  const { report, holes } = await checkLab(lab, signal);
  expect(holes).toEqual([]);
  expect(report.pairs).toHaveLength(4 * 3);
  expect(report.isolated).toHaveLength(2 * 4);
  expect(report).toMatchObject({ passed: 20, failed: 0 });
  expect(report.pairs).toContainEqual({
    from: "east/api",
    to: "west/cache",
    family: 4,
    ok: true,
    sourcePreserved: true,
    rttMs: expect.any(Number),
    largeOk: true,
  });
}, 60_000);

test("check sees a source that was rewritten, and a way that no link allows", async () => {
  const at = (place: string) => findPlace(lab, stateOf(lab), place).run;
  const masquerade =
    "table ip t {\nchain c {\ntype nat hook postrouting priority srcnat; ip saddr 10.65.0.0/24 oifname eth0 masquerade\n}\n}\n";
  await at("west/a")("nft", ["-f", "-"], { stdin: masquerade });
  await at("wan")("ip", ["route", "add", "10.66.0.0/24", "via", "203.0.113.18"]);
  const { report, holes } = await checkLab(lab, signal);
  await at("west/a")("nft", ["delete", "table", "ip", "t"]);
  await at("wan")("ip", ["route", "delete", "10.66.0.0/24"]);
  expect(report.pairs.find(({ from, to }) => from === "west/db" && to === "east/web")).toMatchObject({
    ok: true,
    sourcePreserved: false,
  });
  expect(holes).toContainEqual("west/db to east/web (IPv4): the receiver saw 192.168.2.10 instead of 10.65.0.2");
  expect(holes).toContainEqual("east/web to edge/cam (IPv4): it answers by TCP and UDP, though no link lets it");
  expect(report.failed).toBeGreaterThanOrEqual(4);
}, 60_000);

test("check sees what drops large packets only", async () => {
  const { run } = findPlace(lab, stateOf(lab), "west/a");
  await run("nft", ["-f", "-"], {
    stdin: "table ip t {\nchain c {\ntype filter hook forward priority 0; ip frag-off & 0x3fff != 0 drop\n}\n}\n",
  });
  const { report } = await checkLab(lab, signal);
  await run("nft", ["delete", "table", "ip", "t"]);
  expect(report.pairs.find(({ from, to }) => from === "west/db" && to === "east/web")).toMatchObject({
    ok: true,
    sourcePreserved: true,
    largeOk: false,
  });
}, 90_000);

test("throughput is measured between any two places", async () => {
  const way = { from: "east/web", to: "west/db", address: "10.65.0.2" };
  expect(await measureThroughput(lab, way, 1, signal)).toBeGreaterThan(1e6);
});

test("a command line is run inside the lab: beside its hub, or on a cluster's first gateway", () => {
  const ofHub = enterLab(`${lab.name}/hub`, ["status", "--watch"], systemClock);
  expect(ofHub).toContain(`--net=/run/netns/${lab.name}-hub`);
  expect(ofHub.slice(-4)).toEqual(["--context", `${lab.dir}/hub/context.yaml`, "status", "--watch"]);
  const ofCluster = enterLab(`${lab.name}/east`, ["get", "nodes"], systemClock);
  expect(ofCluster).toContain(`--net=/run/netns/${lab.name}-east-a`);
  expect(ofCluster.slice(-4)).toEqual(["--store", `${lab.dir}/clusters/east/store/store.yaml`, "get", "nodes"]);
  expect(() => enterLab(`${lab.name}/nowhere`, [], systemClock)).toThrow(
    "has no cluster nowhere; it has east, west, edge",
  );
});

test("what runs inside a lab passes its exit code on, keeps the folder, and has the node's own files", async () => {
  const { prefix } = findPlace(lab, stateOf(lab), "east/a");
  const inside = keepFolder(prefix);
  expect(
    await runInherited([
      ...inside,
      "sh",
      "-c",
      `test "$PWD" = ${process.cwd()} && grep -q ' /run/wireguard ' /proc/self/mountinfo && exit 7`,
    ]),
  ).toBe(7);
  expect(await runInherited([...inside, "sh", "-c", "kill -9 $$"])).toBe(137);
});

test("show has the shape that was promised", () => {
  expect(shapeOf(lab)).toMatchObject({
    hub: { netns: `${lab.name}-hub`, nats: "tls://198.51.100.10:4222" },
    clusters: [
      {
        name: "east",
        lan: "192.168.1.0/24",
        router: {
          netns: `${lab.name}-east-lan`,
          addresses: ["203.0.113.2/29", "2001:db8:113::2/64"],
          nat: false,
        },
        podCIDRs: [],
        nodes: [
          { name: "a", netns: `${lab.name}-east-a`, addresses: ["192.168.1.10/24"], gateway: true },
          { name: "b", netns: `${lab.name}-east-b`, addresses: ["192.168.1.11/24"], gateway: false },
        ],
        pods: expect.arrayContaining([
          { name: "web", netns: `${lab.name}-east-pod-web`, node: "a", network: "overlay", addresses: ["10.64.0.2"] },
        ]),
      },
      { name: "west" },
      { name: "edge" },
    ],
  });
});

test.each(["node:west/a", "wan:west"])("%s: a pulled cable cuts, and mended it carries again", async (target) => {
  const { run } = findPlace(lab, stateOf(lab), "east/a");
  const ping = () => run("ping", ["-c", "1", "-W", "1", "192.168.2.10"]);
  await breakTarget(lab, target, signal);
  await expect(ping()).rejects.toThrow("ping");
  expect(stateOf(lab).broken).toEqual([target]);
  await mendTarget(lab, target, signal);
  await expect(
    waitUntil(
      async () => ping().catch(() => undefined),
      () => `192.168.2.10 does not answer`,
      { clock: systemClock, signal, limitMs: 20_000 },
    ),
  ).resolves.toContain("1 received");
  expect(stateOf(lab).broken).toEqual([]);
});

test.each(["hub:1", "nats", "reboot", "loss:east/a>west/a=10"])("breaking %s is refused for now", async (target) => {
  await expect(breakTarget(lab, target, signal)).rejects.toThrow("comes with a later release");
});

test("up again keeps what is there; another file under the same name is refused", async () => {
  const { processes } = stateOf(lab);
  await bringUp(lab, FILE, "net", { progress: quiet, signal });
  expect(stateOf(lab).processes).toEqual(processes);
  await expect(bringUp(lab, { ...FILE, links: [] }, "net", { progress: quiet, signal })).rejects.toThrow(
    "another file",
  );
});

test("a second lab runs beside the first, and down leaves nothing of it but the first", async () => {
  const second = newLab();
  const untouched = await traces(lab);
  const clean = await traces(second);
  await bringUp(second, FILE, "net", { progress: quiet, signal });
  await takeDown(second, host, signal);
  expect(await traces(second)).toEqual(clean);
  expect(await traces(lab)).toEqual(untouched);
  expect(await takeDown(second, host, signal)).toBe(false);
});

test("down takes away a lab whose record is spoilt, by the marks in its namespaces", async () => {
  const spoilt = newLab();
  const clean = await traces(spoilt);
  await bringUp(spoilt, FILE, "net", { progress: quiet, signal });
  writeFileSync(`${spoilt.dir}/state.json`, "{");
  expect(() => readState(spoilt)).toThrow("trestle lab down");
  expect(await takeDown(spoilt, host, signal)).toBe(true);
  expect(await traces(spoilt)).toEqual(clean);
});

test("a half-made net is made anew", async () => {
  const half = newLab();
  try {
    await bringUp(half, FILE, "net", { progress: quiet, signal });
    await host("ip", ["-n", `${half.name}-east-lan`, "link", "delete", "port1"]);
    await killAll(Object.values(stateOf(half).processes).slice(0, 1), systemClock, signal);
    await bringUp(half, FILE, "net", { progress: quiet, signal });
    await findPlace(half, stateOf(half), "east/a").run("ping", ["-c", "1", "-W", "5", "192.168.2.10"]);
  } finally {
    await takeDown(half, host, signal);
  }
}, 30_000);

test("down ends every process in the lab, also those it did not start, and leaves the machine as it was", async () => {
  const stray = findPlace(lab, stateOf(lab), "east/web").run("sleep", ["300"], { limitMs: 60_000 });
  const ended = stray.catch(messageOf);
  const holders = Object.values(stateOf(lab).processes);
  expect(holders.every(isAlive)).toBe(true);
  await takeDown(lab, host, signal);
  expect(await ended).toContain("sleep");
  expect(holders.filter(({ pid }) => readStat(pid)?.command === "sleep")).toEqual([]);
  expect(await traces(lab)).toEqual(before);
}, 30_000);
