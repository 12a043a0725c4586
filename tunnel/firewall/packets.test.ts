import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { runner } from "../../platform/run.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { HEARTBEAT_PORT } from "../marks.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { applyFirewall } from "./apply.ts";
import { observeFirewall } from "./observe.ts";
import { planFirewall } from "./plan.ts";
import { rulesetOf } from "./ruleset.ts";

/** What the rules do to packets. A gateway between a LAN, a pod of its own and a remote cluster; a cable named like a tunnel stands for one. */
let gateway: TestNode;
let lan: TestNode;
let pod: TestNode;
let remote: TestNode;

const MESH_ADDRESS = "10.1.255.1";

/** `device` on the gateway, eth0 on the other; the gateway is .1 and the other .2, and its way to everywhere. */
async function cable(device: string, other: TestNode, network: string): Promise<void> {
  const ends = [device, "netns", gateway.name, "type", "veth", "peer", "name", "eth0", "netns", other.name];
  await runner()("ip", ["link", "add", ...ends]);
  for (const [node, name, host] of [[gateway, device, 1] as const, [other, "eth0", 2] as const]) {
    await node.run("ip", ["address", "add", `${network}.${host}/24`, "dev", name]);
    await node.run("ip", ["link", "set", "dev", name, "up"]);
  }
  await other.run("ip", ["route", "add", "default", "via", `${network}.1`]);
}

/** Packets that a foreign rule counted: one with that comment, on that node. */
async function counted(node: TestNode, comment: string): Promise<number> {
  const listing = await node.run("nft", ["list", "table", "inet", "probe"]);
  return Number(new RegExp(String.raw`packets (\d+) bytes \d+ comment "${comment}"`).exec(listing)?.[1]);
}

const ping = (node: TestNode, address: string) => node.run("ping", ["-c", "1", "-W", "5", address]);

beforeAll(async () => {
  [gateway, lan, pod, remote] = (await Promise.all(["gw", "lan", "pod", "remote"].map(makeTestNode))) as [
    TestNode,
    TestNode,
    TestNode,
    TestNode,
  ];
  await cable("eth0", lan, "10.1.0");
  await cable("tp0", pod, "10.1.9");
  await cable("trs0-0", remote, "10.2.0");
  await gateway.run("ip", ["address", "add", `${MESH_ADDRESS}/32`, "dev", "lo"]);
  await gateway.run("tee", ["/proc/sys/net/ipv4/ip_forward"], { stdin: "1" });
  const ruleset = rulesetOf({
    clusterDevices: ["eth0"],
    nodeAddresses: [],
    openPorts: [],
    vxlanEndpoints: [],
    vxlanSources: [],
    remotePrefixes: ["10.2.0.0/16"],
    announcedPrefixes: ["10.1.0.0/16"],
    localPrefixes: ["10.1.9.0/24"],
    localAddresses: [MESH_ADDRESS],
  });
  await applyFirewall(gateway.run, planFirewall(ruleset, await observeFirewall(gateway.run)));
}, 60_000);
afterAll(() => Promise.all([gateway, lan, pod, remote].map((node) => node?.remove())), 60_000);

test("by a mesh address a tunnel reaches ICMP and heartbeats, no other port", async () => {
  const send = (port: number) => remote.run("bash", ["-c", `echo hello > /dev/udp/${MESH_ADDRESS}/${port}`]);
  const dropped = async () => (await observeFirewall(gateway.run))?.drops.input;
  await ping(remote, MESH_ADDRESS);
  expect(await dropped()).toBe(0);
  await send(HEARTBEAT_PORT);
  await send(HEARTBEAT_PORT + 1);
  // One cable keeps the order: once the second is dropped, the first was let in.
  await eventually(async () => (await dropped()) === 1 || dropped());
  await send(22);
  await eventually(async () => (await dropped()) === 2 || dropped());
}, 60_000);

test("transit is not tracked either way, what this node's own pods say is", async () => {
  const rules = ["daddr 10.2.0.2", "saddr 10.2.0.2"].flatMap((end) =>
    ["untracked", "new,established"].map((state) => `ip ${end} ct state ${state} counter comment "${end} ${state}";`),
  );
  const chain = `chain forward { type filter hook forward priority 0; ${rules.join(" ")} }`;
  await gateway.run("nft", [`table inet probe { ${chain}; }`]);
  const counts = () =>
    Promise.all(
      ["daddr 10.2.0.2", "saddr 10.2.0.2"].flatMap((end) =>
        ["untracked", "new,established"].map((state) => counted(gateway, `${end} ${state}`)),
      ),
    );
  await ping(lan, "10.2.0.2");
  expect(await counts()).toEqual([1, 0, 1, 0]);
  await ping(pod, "10.2.0.2");
  expect(await counts()).toEqual([1, 1, 1, 1]);
}, 60_000);

test("a pod keeps its address on the way to a remote cluster, whoever masquerades", async () => {
  const nat = "chain post { type nat hook postrouting priority 100; masquerade; }";
  await gateway.run("nft", [`table ip others { ${nat}; }`]);
  const sources = ["10.1.9.2", "10.1.0.2", "10.2.0.1"];
  const rules = sources.map((source) => `ip saddr ${source} counter comment "${source}";`).join(" ");
  await remote.run("nft", [`table inet probe { chain input { type filter hook input priority 0; ${rules} }; }`]);
  await ping(pod, "10.2.0.2");
  await ping(lan, "10.2.0.2");
  expect(await Promise.all(sources.map((source) => counted(remote, source)))).toEqual([1, 1, 0]);
}, 60_000);
