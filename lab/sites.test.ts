import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { systemClock } from "../platform/clock.ts";
import { runner } from "../platform/run.ts";
import type { Run } from "../platform/run.ts";
import { checkLab } from "./check.ts";
import { takeDown } from "./down.ts";
import { breakTarget, mendTarget } from "./faults.ts";
import { findPlace } from "./place.ts";
import type { Progress } from "./progress.ts";
import { parseLabFile } from "./read-file.ts";
import { openLab, stateOf } from "./state.ts";
import { addBarePod } from "./testing/bare-pods.ts";
import { bringUp } from "./up.ts";
import { waitUntil } from "./wait.ts";

/** Nets that are no plain IPv4 LAN on the internet: both families, one alone, several behind one router, behind NAT. */

const FILE = parseLabFile(
  `
pools:
  - { name: pods, cidr: 10.64.0.0/12, clusterPrefixLength: 16 }
  - { name: pods6, cidr: fd64::/40, clusterPrefixLength: 56 }
clusters:
  - name: both
    lan: [192.168.1.0/24, "fd00:1::/64"]
    families: [4, 6]
    nodes: [{ name: a, gateway: true }, { name: b, lan: 192.168.9.0/24 }]
  - { name: six, lan: "fd00:2::/64", nodes: [{ name: a, gateway: true }] }
  - { name: home, nat: true, lan: [192.168.3.0/24, "fd00:3::/64"], nodes: [{ name: a, gateway: true }] }
`,
  "test.yaml",
);
const HUB = { 4: "198.51.100.10", 6: "2001:db8:51:100::10" } as const;

const quiet: Progress = { say: () => undefined, step: (_, action) => action() };
const { signal } = new AbortController();
const host = runner();
const lab = openLab(`t${randomBytes(4).toString("hex")}`, systemClock);

const at = (place: string): Run => findPlace(lab, stateOf(lab), place).run;
const ping = (from: string, address: string, ...more: readonly string[]): Promise<string> =>
  at(from)("ping", ["-n", "-c", "1", "-W", "2", ...more, address]);
/** Polls: a neighbour that was unreachable a moment ago is an answer to ping, which ends at the first it gets. */
const pingEventually = (from: string, address: string): Promise<string> =>
  waitUntil(
    async () => ping(from, address).catch(() => undefined),
    () => `${from} does not reach ${address}`,
    { clock: systemClock, signal, limitMs: 30_000, everyMs: 200 },
  );

beforeAll(async () => {
  await bringUp(lab, FILE, "net", { progress: quiet, signal });
}, 60_000);

afterAll(async () => {
  await takeDown(lab, host, signal);
}, 60_000);

test.each([
  ["both/a", HUB[4]],
  ["both/a", HUB[6]],
  ["both/b", HUB[4]],
  ["six/a", HUB[6]],
  ["home/a", HUB[4]],
  ["home/a", HUB[6]],
  ["hub", "192.168.1.10"],
  ["hub", "fd00:1::10"],
  ["hub", "192.168.9.10"],
  ["hub", "fd00:2::10"],
  ["both/a", "192.168.9.10"],
  ["six/a", "fd00:1::10"],
])("%s reaches %s", async (from, address) => {
  expect(await ping(from, address)).toContain("1 received");
});

test("a machine has no way in a family that its LAN has not", async () => {
  await expect(ping("six/a", HUB[4])).rejects.toThrow("Network is unreachable");
  await expect(ping("both/b", HUB[6])).rejects.toThrow("Network is unreachable");
});

test("between two LANs of a site there is its router, and beyond it the WAN's", async () => {
  expect(await ping("both/a", "192.168.9.10")).toContain("ttl=63");
  expect(await ping("both/a", HUB[4])).toContain("ttl=62");
  expect(await ping("both/a", HUB[6])).toContain("ttl=62");
});

test.each(["192.168.3.10", "fd00:3::10"])("from outside there is no way to %s, behind NAT", async (address) => {
  await expect(ping("both/a", address)).rejects.toThrow("ping");
});

const WHO = `
  const socket = require("node:dgram").createSocket("udp6");
  socket.on("message", (_, from) => socket.send(from.address + " " + from.port, from.port, from.address));
  socket.bind(7000);`;
const ASK = `
  const [to, type] = process.argv.slice(1);
  const socket = require("node:dgram").createSocket(type);
  socket.on("message", (said) => { console.log(String(said)); process.exit(); });
  socket.bind(51820, () => setInterval(() => socket.send("who am I", 7000, to), 100));`;

test("what leaves a site behind NAT has its router's address, and a port of the router's choice", async () => {
  const stop = new AbortController();
  const end = at("hub")(process.execPath, ["-e", WHO], { signal: stop.signal }).catch(() => undefined);
  const said = [
    await at("home/a")(process.execPath, ["-e", ASK, HUB[4], "udp4"]),
    await at("home/a")(process.execPath, ["-e", ASK, HUB[6], "udp6"]),
  ];
  stop.abort();
  await end;
  expect(said.map((each) => each.split(" ")[0])).toEqual(["::ffff:203.0.113.18", "2001:db8:113:2::2"]);
  for (const each of said) expect(each.trim()).not.toMatch(/ 51820$/);
}, 30_000);

test("a site whose uplink was down has both families again when it is mended", async () => {
  await breakTarget(lab, "wan:both", signal);
  for (const family of [4, 6] as const) await expect(ping("both/a", HUB[family])).rejects.toThrow("ping");
  await mendTarget(lab, "wan:both", signal);
  for (const family of [4, 6] as const) expect(await pingEventually("both/a", HUB[family])).toContain("1 received");
}, 90_000);

test("a node whose cable was pulled has both families again when it is mended", async () => {
  await breakTarget(lab, "node:both/a", signal);
  await expect(ping("both/a", HUB[6])).rejects.toThrow("ping");
  await mendTarget(lab, "node:both/a", signal);
  for (const family of [4, 6] as const) expect(await pingEventually("both/a", HUB[family])).toContain("1 received");
}, 90_000);

test.each([
  ["192.168.1.10", "home/a", "Frag needed and DF set (mtu = 1300)"],
  ["fd00:1::10", "home/a", "Packet too big: mtu=1300"],
  [HUB[4], "both/a", "Frag needed and DF set (mtu = 1300)"],
  [HUB[6], "both/a", "Packet too big: mtu=1300"],
])(
  "too large a packet to %s over a narrow uplink: %s is told, unless it is silent; mended it is forgotten",
  async (address, from, told) => {
    const tooLarge = async (): Promise<string> =>
      at(from)("sh", ["-c", `ping -n -c 1 -W 1 -M do -s 1300 ${address} 2>&1 || true`]);
    expect(await tooLarge()).toContain("1 received");
    await breakTarget(lab, "mtu:both=1300,silent", signal);
    expect(stateOf(lab).broken).toEqual(["mtu:both=1300,silent"]);
    expect(await tooLarge()).toMatch(/^(?!.*mtu).* 0 received/s);
    await breakTarget(lab, "mtu:both=1300", signal);
    expect(stateOf(lab).broken).toEqual(["mtu:both=1300"]);
    expect(await tooLarge()).toContain(told);
    expect(await ping(from, address, "-s", "1000")).toContain("1 received");
    await mendTarget(lab, "mtu:both", signal);
    expect(stateOf(lab).broken).toEqual([]);
    expect(await tooLarge()).toContain("1 received");
  },
);

test("a narrow uplink needs to be told how narrow", async () => {
  await expect(breakTarget(lab, "mtu:both", signal)).rejects.toThrow("say how narrow: mtu:both=BYTES");
  await expect(breakTarget(lab, "mtu:both=1000", signal)).rejects.toThrow("packets of 1280 to 1500 bytes, not of 1000");
  expect(stateOf(lab).broken).toEqual([]);
});

test("check tries each family that both pods have", async () => {
  await at("both/a")("sh", ["-c", "sysctl -qw net.ipv4.ip_forward=1 net.ipv6.conf.all.forwarding=1"]);
  const pods = { one: ["10.64.0.2", "fd64::2"], two: ["10.64.0.3", "fd64::3"], old: ["10.64.0.4"] };
  for (const [name, addresses] of Object.entries(pods)) {
    await addBarePod(lab, { cluster: "both", node: "a", name, addresses });
  }
  const { report, holes } = await checkLab(lab, signal);
  expect(holes).toEqual([]);
  expect(report.pairs.filter(({ family }) => family === 4)).toHaveLength(6);
  expect(report.pairs.filter(({ family }) => family === 6).map(({ from, to }) => `${from}>${to}`)).toEqual([
    "both/one>both/two",
    "both/two>both/one",
  ]);
}, 60_000);
