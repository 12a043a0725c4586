import { afterAll, afterEach, beforeAll, expect, test } from "@jest/globals";
import type { Crossing } from "../testing/crossing.ts";
import { AT, CROSSING, makeCrossing, protect } from "../testing/crossing.ts";
import { cable, connectTo, ping, serve } from "../testing/traffic.ts";
import { applyForeign } from "./apply.ts";
import { observeForeign } from "./observe.ts";
import { planForeign } from "./plan.ts";

/** What packets of ours meet beside other programs' firewalls on the same gateway. */
let crossing: Crossing;

beforeAll(async () => {
  crossing = await makeCrossing();
  const { gateway, lan, pod, remote } = crossing;
  await protect(gateway, CROSSING);
  // A second LAN host, whom others have a quarrel with; and a host of no cluster.
  await lan.run("ip", ["address", "add", "10.1.0.66/24", "dev", "eth0"]);
  await Promise.all([gateway, lan, pod, remote].map((node) => serve(node, 8080)));
});
afterEach(async () => {
  await sync(false);
  for (const tool of ["iptables-legacy", "ip6tables-legacy"]) {
    await tables(tool, "-F", "-P FORWARD ACCEPT", "-P INPUT ACCEPT");
  }
  const { run } = crossing.gateway;
  for (const table of (await run("nft", ["list", "tables"])).split("\n").filter((line) => line.startsWith("table"))) {
    if (table !== "table inet trestle") await run("nft", ["delete", ...table.split(" ")]);
  }
});
afterAll(() => crossing?.remove());

async function sync(wanted: boolean): Promise<void> {
  const { run } = crossing.gateway;
  const { chains, unread } = await observeForeign(run);
  const outcomes = [...unread, ...(await applyForeign(run, planForeign(chains, wanted)))];
  expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
}

/** Milliseconds after which nobody answers any more, where nobody is to. */
const SILENCE_MS = 3_000;

/** Who gets through: pod to remote, remote to pod, transit both ways, remote to this machine; in both families. */
async function passing(waitMs?: number): Promise<Record<string, boolean>> {
  const { pod, remote, lan } = crossing;
  const ways: Record<string, Promise<boolean>> = {};
  for (const family of [0, 1] as const) {
    ways[`pod out ${family}`] = tcp(connectTo(pod, AT.remote[family], 8080, undefined, waitMs));
    ways[`pod in ${family}`] = tcp(connectTo(remote, AT.pod[family], 8080, undefined, waitMs));
    ways[`transit out ${family}`] = tcp(connectTo(lan, AT.remote[family], 8080, AT.lan[family], waitMs));
    ways[`transit in ${family}`] = tcp(connectTo(remote, AT.lan[family], 8080, undefined, waitMs));
    ways[`input ${family}`] = tcp(connectTo(remote, AT.mesh[family], 8080, undefined, waitMs));
  }
  return Object.fromEntries(
    await Promise.all(Object.entries(ways).map(async ([way, passed]) => [way, await passed] as const)),
  );
}

/** What a server sees is a source address; anything else is why there was no answer. */
async function tcp(said: Promise<string>): Promise<boolean> {
  return /^[\da-f.:]+$/.test(await said);
}

const nft = (text: string) => crossing.gateway.run("nft", ["-f", "-"], { stdin: text });
async function tables(program: string, ...commands: readonly string[]): Promise<void> {
  for (const command of commands) await crossing.gateway.run(program, command.split(" "));
}

/** Chains that would drop everything but neighbour discovery, without which a machine has no IPv6 at all. */
const both = (family: string, priority: number, policy: string, rules = "") =>
  ["forward", "input"]
    .map(
      (hook) => `table ${family} fw { chain ${hook} { type filter hook ${hook} priority ${priority}; policy ${policy};
        ${family === "ip" ? "" : "icmpv6 type { nd-neighbor-solicit, nd-neighbor-advert } accept"}
        ${rules}
        }; }
        `,
    )
    .join("\n");

/** The same by iptables, of both families. */
async function iptables(variant: "nft" | "legacy", ...commands: readonly string[]): Promise<void> {
  const discovery = ["133", "134", "135", "136"].map((type) => `-A INPUT -p ipv6-icmp --icmpv6-type ${type} -j ACCEPT`);
  await tables(`ip6tables-${variant}`, ...discovery, ...commands);
  await tables(`iptables-${variant}`, ...commands);
}

const FIREWALLS: readonly (readonly [string, () => Promise<unknown>])[] = [
  ["iptables drops by policy", () => iptables("nft", "-P FORWARD DROP", "-P INPUT DROP")],
  ["iptables-legacy drops by policy", () => iptables("legacy", "-P FORWARD DROP", "-P INPUT DROP")],
  ["iptables rejects at the end", () => iptables("nft", "-A FORWARD -j REJECT", "-A INPUT -j REJECT")],
  ["nft drops by policy at priority 0", () => nft(both("inet", 0, "drop"))],
  ["nft drops by policy at priority -10, by family", () => nft(both("ip", -10, "drop") + both("ip6", -10, "drop"))],
  ["nft rejects at the end", () => nft(both("inet", 0, "accept", "meta l4proto tcp reject with tcp reset\nreject"))],
];

test.each(FIREWALLS)("%s: mesh traffic passes once our rule is there, and not before", async (_what, make) => {
  await make();
  const before = await passing(SILENCE_MS);
  expect(Object.values(before).some(Boolean)).toBe(false);
  await sync(true);
  expect(await passing()).toEqual(Object.fromEntries(Object.keys(before).map((way) => [way, true])));
  // What is not ours to let through is dropped as before.
  expect(await ping(crossing.lan, AT.gateway[0])).toBe(false);
  await tables("iptables-legacy", "-P FORWARD ACCEPT", "-P INPUT ACCEPT");
  await tables("ip6tables-legacy", "-P FORWARD ACCEPT", "-P INPUT ACCEPT");
});

test("what others drop by name stays dropped", async () => {
  const { remote } = crossing;
  await nft(both("inet", 0, "drop", `ip daddr 10.1.0.66 drop`));
  await tables("iptables-nft", "-P FORWARD DROP", "-A FORWARD -d 10.1.9.2 -j DROP");
  await sync(true);
  expect(await tcp(connectTo(remote, AT.lan[0], 8080))).toBe(true);
  expect(await tcp(connectTo(remote, "10.1.0.66", 8080, undefined, SILENCE_MS))).toBe(false);
  expect(await tcp(connectTo(remote, AT.pod[0], 8080, undefined, SILENCE_MS))).toBe(false);
});

test.each([
  ["iptables", () => tables("iptables-nft", "-t nat -A POSTROUTING -j MASQUERADE")],
  ["nft", () => nft("table ip nat { chain post { type nat hook postrouting priority srcnat; masquerade; }; }")],
])("a MASQUERADE of everything by %s leaves mesh traffic its source", async (_what, make) => {
  const { pod, lan, remote } = crossing;
  await make();
  expect(await connectTo(pod, AT.remote[0], 8080)).toBe(AT.pod[0]);
  expect(await connectTo(lan, AT.remote[0], 8080, AT.lan[0])).toBe(AT.lan[0]);
  expect(await connectTo(remote, AT.lan[0], 8080)).toBe(AT.remote[0]);
  // It is there, and at work.
  expect(await connectTo(pod, AT.lanOutside, 8080)).toBe(AT.gatewayOutside);
});

test("marked to be masqueraded, traffic leaves with the node's mesh address", async () => {
  await tables(
    "iptables-nft",
    "-t mangle -A PREROUTING -s 10.1.9.2 -j MARK --set-xmark 0x4000/0x4000",
    "-t nat -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE",
  );
  expect(await connectTo(crossing.pod, AT.remote[0], 8080)).toBe(AT.mesh[0]);
  expect(await connectTo(crossing.pod, AT.lan[0], 8080)).toBe(AT.gateway[0]);
});

test("others who set whole marks in mangle do not wipe ours out, nor we theirs", async () => {
  await tables("iptables-nft", "-t mangle -A FORWARD -j MARK --set-xmark 0x7/0xffffffff", "-P FORWARD DROP");
  await nft(`table inet probe { chain f { type filter hook forward priority 50; meta mark 0x1007 counter; }; }`);
  await sync(true);
  expect(await tcp(connectTo(crossing.pod, AT.remote[0], 8080))).toBe(true);
  expect(await crossing.gateway.run("nft", ["list", "table", "inet", "probe"])).not.toContain("packets 0");
});

test("TCP whose answers come by another gateway survives others' drop of what is invalid", async () => {
  const { gateway, lan, remote } = crossing;
  await nft(both("inet", 0, "accept", "ct state invalid drop"));
  // Straight from the remote cluster to the LAN host: this gateway sees one direction.
  await cable(
    { node: remote, device: "eth1", addresses: ["10.9.9.1/30"] },
    { node: lan, device: "eth1", addresses: ["10.9.9.2/30"] },
  );
  await remote.run("ip", ["route", "add", "10.1.0.2/32", "via", "10.9.9.2"]);
  for (const node of [lan, remote]) {
    await node.run("sh", ["-c", "echo 2 | tee /proc/sys/net/ipv4/conf/*/rp_filter"]);
  }
  expect(await connectTo(lan, AT.remote[0], 8080, AT.lan[0])).toBe(AT.lan[0]);
  // Without our table it does not.
  await protect(gateway, undefined);
  expect(await tcp(connectTo(lan, AT.remote[0], 8080, AT.lan[0], SILENCE_MS))).toBe(false);
  await protect(gateway, CROSSING);
});
