import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { readdirSync, writeFileSync } from "node:fs";
import path from "node:path";
import { processesIn } from "../../lab/process.ts";
import { netnsInode } from "../../lab/netns.ts";
import { cniFolder } from "../../lab/trestle.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { differences, dumpKernel } from "./support/kernel.ts";
import type { KernelDump } from "./support/kernel.ts";
import { monitorKernel } from "./support/monitor.ts";
import { awaitAnswer, pingOnce } from "./support/ping.ts";
import { allUp, LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";

/** Leaving makes a machine what it was. */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "leaving.yaml");
const NODES = ["east/a", "east/b"];
/** Of a network that the runtimes knew before, in the folder of each. */
const OTHER_NETWORK = "87-others.conf";
/** Pods' wires are not the agent's: they stay. */
const OTHERS = { without: "tp" };
let before: Readonly<Record<string, KernelDump>>;
let first: unknown;

async function dumps(): Promise<Record<string, KernelDump>> {
  const all = NODES.map(async (node) => [node, await dumpKernel(lab.place(node).run, OTHERS)] as const);
  return Object.fromEntries(await Promise.all(all));
}

/** What is not as it was before any agent ran. */
async function changed(): Promise<string[]> {
  const after = await dumps();
  return NODES.flatMap((node) => differences(before[node] ?? {}, after[node] ?? {}).map((line) => `${node} ${line}`));
}

function tunnelPrograms(node: string): string[] {
  const inode = netnsInode(lab.place(node).netns);
  const found = inode === undefined ? [] : processesIn(new Set([inode]));
  return found.map(({ command }) => command).filter((command) => command === "wireguard-go");
}

/** Networks that the runtimes of both nodes are told of. */
function cniFolders(): string[] {
  return lab.site("east").nodes.map((node) => cniFolder(lab.lab, node));
}

/** They end by themselves, in a moment, when their device is gone. */
function tunnelProgramsEnd(): Promise<void> {
  return eventually(() => NODES.flatMap(tunnelPrograms).length === 0 || NODES.map(tunnelPrograms));
}

/**
 * What machines are like before anybody joins: hardened but for one device that forwards, with a firewall that forwards
 * nothing, and with somebody else's neighbours. A join makes the kernel itself change some of these sysctls.
 */
const FURNISHED = [
  "ip link add dev mgmt0 type bridge",
  "ip link set dev mgmt0 addrgenmode none",
  "ip link set dev mgmt0 up",
  "ip neigh add 192.168.1.200 lladdr 02:00:00:00:00:c8 dev eth0 nud permanent",
  "ip neigh add proxy 192.168.1.201 dev eth0",
  "bridge fdb add 02:00:00:00:00:c9 dev eth0",
  "iptables -P FORWARD DROP",
  "iptables -A FORWARD -i mgmt0 -j ACCEPT",
  "ip6tables -P FORWARD DROP",
  "echo 0 >/proc/sys/net/ipv4/ip_forward",
  "echo 0 >/proc/sys/net/ipv6/conf/all/forwarding",
  "echo 0 >/proc/sys/net/ipv4/conf/all/accept_redirects",
  "echo 1 >/proc/sys/net/ipv4/conf/mgmt0/forwarding",
  "echo 1 >/proc/sys/net/ipv6/conf/mgmt0/forwarding",
  "echo 1 >/proc/sys/net/ipv4/conf/all/rp_filter",
];

/** Of all these a cluster that has joined has something. */
const KINDS = ["links", "addresses", "routes", "nexthops", "neighbours", "fdb", "nft", "iptables", "sysctls"];

/** What the hub gave a cluster. */
async function identity(cluster: string): Promise<unknown> {
  const { clusters } = await lab.status();
  const found = clusters.find(({ name }) => name === cluster);
  return { number: found?.number, podCIDRs: found?.podCIDRs };
}

/** A token made on the hub, redeemed by the cluster for both families. */
async function joinAgain(cluster: string): Promise<void> {
  const file = path.join(lab.lab.dir, "again.token");
  writeFileSync(file, await lab.ask("token", "create", cluster), { mode: 0o600 });
  await lab.at(cluster, "join", file, "--family", "4", "--family", "6");
}

beforeAll(async () => {
  await lab.up(FILE, "--stage", "hub");
  for (const node of NODES) await lab.place(node).run("sh", ["-ec", FURNISHED.join("\n")]);
  before = await dumps();
  await lab.up(FILE);
  first = await identity("east");
  for (const folder of cniFolders()) writeFileSync(path.join(folder, OTHER_NETWORK), "{}");
}, LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

test(
  "a cluster leaves: its machines are what they were, and what others added meanwhile is still there",
  async () => {
    await eventually(() => allUp(lab, 4));
    await eventually(async () => {
      const joined = await changed();
      return KINDS.every((kind) => joined.some((line) => line.startsWith(`east/a + ${kind}: `))) || joined;
    });
    for (const folder of cniFolders()) expect(readdirSync(folder)).toEqual(["05-trestle.conflist", OTHER_NETWORK]);
    const [a] = NODES.map((node) => lab.place(node).run);
    const foreign = [
      "ip route add 203.0.113.0/24 via 192.168.1.1",
      "ip route add unreachable 198.18.0.0/15 metric 9999",
      "ip address add 192.168.1.77/24 dev eth0",
      "ip link add trsfoo type bridge",
      "ip nexthop add id 7 via 192.168.1.1 dev eth0",
      "ip rule add to 203.0.113.0/24 priority 100 lookup main",
      "nft add table inet foreign",
    ];
    await a?.("sh", ["-ec", foreign.join("\n")]);
    const { clusters } = await lab.status();
    const [podCIDR = ""] = clusters.find(({ name }) => name === "east")?.podCIDRs ?? [];

    expect(await lab.at("east", "leave")).toBe('Cluster "east" left the mesh.\n');
    const added = await changed();
    expect(added.filter((line) => line.includes(" - "))).toEqual([]);
    expect(added.filter((line) => !/ sysctls: /.test(line)).map((line) => line.replace(/\s+/g, " ").trim())).toEqual(
      expect.arrayContaining([
        expect.stringContaining("routes: unicast 203.0.113.0/24"),
        expect.stringContaining("routes: unreachable 198.18.0.0/15"),
        expect.stringContaining("addresses: eth0"),
        expect.stringContaining("links:"),
        expect.stringContaining("nexthops: id 7"),
        expect.stringContaining("rules: 100:"),
        expect.stringContaining("nft: table inet foreign"),
      ]),
    );
    const restore = [
      "nft delete table inet foreign",
      "ip rule delete priority 100",
      "ip nexthop delete id 7",
      "ip link delete trsfoo",
      "ip address delete 192.168.1.77/24 dev eth0",
      "ip route delete unreachable 198.18.0.0/15 metric 9999",
      "ip route delete 203.0.113.0/24",
    ];
    await a?.("sh", ["-ec", restore.join("\n")]);
    expect(await changed()).toEqual([]);
    await tunnelProgramsEnd();
    for (const folder of cniFolders()) expect(readdirSync(folder)).toEqual([OTHER_NETWORK]);

    const rest = await lab.status();
    expect(rest.clusters.map(({ name }) => name).toSorted()).toEqual(["edge", "west"]);
    expect(rest.pairs).toEqual([]);
    const west = lab.place("west/a").run;
    await eventually(async () => {
      const routes = await west("ip", ["route", "show", podCIDR]);
      return routes.trim() === `unreachable ${podCIDR} proto 174 metric 9999` || routes;
    });
    await eventually(async () => {
      const said = await pingOnce(lab.place("west/db"), lab.pod("east/api"));
      return said.includes("Destination Host Unreachable") || said;
    });
  },
  LAB_LIMIT_MS,
);

test(
  "a cluster that left joins again with a new token, and gets the number and prefix that it freed",
  async () => {
    await joinAgain("east");
    await eventually(() => allUp(lab, 4));
    expect(await identity("east")).toEqual(first);
    await lab.do("pod", "remove", "east/api");
    await lab.do("pod", "add", "east/api", "--node", "b");
    await awaitAnswer(lab.place("west/db"), lab.pod("east/api"));
  },
  LAB_LIMIT_MS,
);

test(
  "a leave that is cut off half-way, by a dead agent and by a signal, is completed by saying it again",
  async () => {
    await lab.break("agent:east/a");
    const cut = lab.start(`--lab=${lab.name}/east`, "leave");
    await eventually(() => /Waiting for a to clean up/.test(cut.said()) || cut.said());
    cut.signal("SIGINT");
    expect((await cut.ended).code).not.toBe(0);

    const monitor = await monitorKernel(lab.place("east/a"));
    await lab.mend("agent:east/a");
    await eventually(() => monitor.seen().length > 0);
    await lab.kill("agent:east/a");
    await monitor.stop();

    await lab.mend("agent:east/a");
    expect(await lab.at("east", "leave")).toBe('Cluster "east" left the mesh.\n');
    expect(await changed()).toEqual([]);
    await tunnelProgramsEnd();
    for (const folder of cniFolders()) expect(readdirSync(folder)).toEqual([OTHER_NETWORK]);
  },
  LAB_LIMIT_MS,
);

test(
  "what is left joins once more",
  async () => {
    await joinAgain("east");
    await eventually(() => allUp(lab, 4));
  },
  LAB_LIMIT_MS,
);
