import { afterEach, beforeEach, expect, test } from "@jest/globals";
import type { Run } from "../../platform/run.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { applyForeign } from "./apply.ts";
import type { ForeignChain, RuleKind } from "./chain.ts";
import { observeForeign } from "./observe.ts";
import { planForeign } from "./plan.ts";

/** Real chains of others, made by nft, by iptables and by iptables-legacy. */
let node: TestNode;
beforeEach(async () => {
  node = await makeTestNode("foreign");
});
afterEach(() => node.remove());

async function sync(wanted: boolean, run: Run = node.run) {
  const { chains, unread } = await observeForeign(run);
  return [...unread, ...(await applyForeign(run, planForeign(chains, wanted)))];
}

const nft = (text: string) => node.run("nft", ["-f", "-"], { stdin: text });

/** All rules of the node as their owners list them, without counts. */
async function rulesets(): Promise<string> {
  const saves = ["iptables-nft-save", "ip6tables-nft-save"];
  const legacy = await node.run("cat", ["/proc/net/ip_tables_names"]).catch(() => "");
  const texts = await Promise.all([
    node.run("nft", ["list", "ruleset"]),
    ...[...saves, ...(legacy === "" ? [] : ["iptables-legacy-save"])].map((program) => node.run(program, [])),
  ]);
  return texts
    .join("\n")
    .replaceAll(/^#.*$/gm, "")
    .replaceAll(/(packets|bytes) \d+|\[\d+:\d+\]/g, "");
}

const kinds = async (pick: Partial<ForeignChain> = {}) => {
  const { chains } = await observeForeign(node.run);
  const chain = chains.find((one) =>
    Object.entries(pick).every(([key, value]) => one[key as keyof ForeignChain] === value),
  );
  return chain?.rules.map(({ kind }) => kind);
};

test.each<[string, RuleKind]>([
  ["drop", "drops"],
  ['counter log prefix "bye" drop', "drops"],
  ["reject", "drops"],
  ["reject with icmpx admin-prohibited", "drops"],
  ["accept", "accepts"],
  ["counter", "denies"],
  ["limit rate 5/minute log", "denies"],
  ["meta l4proto tcp reject with tcp reset", "denies"],
  ["reject with tcp reset", "denies"],
  ["meta l4proto { tcp, udp } drop", "denies"],
  ['meta mark & 0x1000 == 0x1000 accept comment "trestle"', "ours"],
  ["meta mark & 0x1000 == 0x1000 counter accept", "admits"],
  ['meta mark & 0x1000 == 0x1000 accept comment "another"', "admits"],
  ["ip saddr 10.1.1.1 meta mark & 0x1000 == 0x1000 accept", "other"],
  ['meta mark & 0x2000 == 0x2000 accept comment "trestle"', "other"],
  ["ip saddr 10.1.1.1 drop", "other"],
  ["iifname eth0 reject", "other"],
  ["ct state established accept", "other"],
  ["tcp dport 22 drop", "other"],
  ["meta mark set 1", "other"],
])("nft: %s", async (rule, kind) => {
  await nft(`table inet fw { chain f { type filter hook forward priority 0;\n${rule}\n}; }`);
  expect(await kinds()).toEqual([kind]);
});

test.each<[string, RuleKind]>([
  ["-j DROP", "drops"],
  ['-m comment --comment "the \\"rest\\"" -j REJECT --reject-with icmp-port-unreachable', "drops"],
  ["-j ACCEPT", "accepts"],
  ["-m comment --comment counts", "denies"],
  ['-m limit --limit 5/min --limit-burst 10 -j LOG --log-prefix "a -j b"', "denies"],
  ["-p tcp -j REJECT --reject-with tcp-reset", "denies"],
  ["-m mark --mark 0x1000/0x1000 -m comment --comment trestle -j ACCEPT", "ours"],
  ["-m mark --mark 0x1000/0x1000 -j ACCEPT", "admits"],
  ["-m mark --mark 0x1000/0x1000 -m comment --comment another -j ACCEPT", "admits"],
  ["-s 10.1.1.1/32 -m mark --mark 0x1000/0x1000 -j ACCEPT", "other"],
  ["-s 10.1.1.1 -j DROP", "other"],
  ["-p tcp -m tcp --dport 22 -j DROP", "other"],
  ["-m conntrack --ctstate INVALID -j DROP", "other"],
  ["-j CHAIN", "other"],
])("iptables: %s", async (rule, kind) => {
  for (const [tool, family] of [
    ["iptables-nft", "ip"],
    ["iptables-legacy", "ip"],
  ] as const) {
    const stdin = `*filter\n:CHAIN - [0:0]\n-A FORWARD ${rule}\nCOMMIT\n`;
    await node.run(`${tool}-restore`, [], { stdin });
    expect({ tool, kinds: await kinds({ tool, family, name: "FORWARD" }) }).toEqual({ tool, kinds: [kind] });
  }
});

const OPENED: readonly (readonly [string, () => Promise<unknown>, number])[] = [
  [
    "nft, dropping by policy",
    () => nft("table inet fw { chain f { type filter hook forward priority -10; policy drop; }; }"),
    1,
  ],
  [
    "nft, for each family and hook",
    () =>
      nft(`
    table ip a { chain f { type filter hook forward priority 0; policy drop; }; chain i { type filter hook input priority 0; policy drop; }; }
    table ip6 a { chain f { type filter hook forward priority 0; policy drop; }; }`),
    3,
  ],
  [
    "nft, ending in a reject",
    () =>
      nft(`table inet fw { chain f { type filter hook forward priority 0;
    ct state established accept
    meta l4proto tcp reject with tcp reset
    reject
    }; }`),
    1,
  ],
  [
    "iptables, by policy",
    async () => {
      await node.run("iptables-nft", ["-P", "FORWARD", "DROP"]);
      await node.run("iptables-nft", ["-A", "FORWARD", "-s", "10.9.9.9", "-j", "DROP"]);
      await node.run("ip6tables-nft", ["-P", "FORWARD", "DROP"]);
      await node.run("iptables-nft", ["-P", "INPUT", "DROP"]);
    },
    3,
  ],
  [
    "iptables, ending in a reject",
    async () => {
      await node.run("iptables-nft", ["-A", "FORWARD", "-s", "10.9.9.9", "-j", "ACCEPT"]);
      await node.run("iptables-nft", ["-A", "FORWARD", "-p", "tcp", "-j", "REJECT", "--reject-with", "tcp-reset"]);
      await node.run("iptables-nft", ["-A", "FORWARD", "-j", "REJECT"]);
    },
    1,
  ],
  [
    "iptables-legacy, by policy and by a last rule",
    async () => {
      await node.run("iptables-legacy", ["-P", "FORWARD", "DROP"]);
      await node.run("iptables-legacy", ["-A", "INPUT", "-j", "DROP"]);
      await node.run("ip6tables-legacy", ["-P", "FORWARD", "DROP"]);
    },
    3,
  ],
  [
    "nft, in a chain as iptables has it, with a rule that iptables shows as an accept of everything",
    () =>
      nft(`table ip filter { chain FORWARD { type filter hook forward priority 0; policy drop;
    ip saddr { 10.1.1.1, 10.1.1.2 } accept
    }; }`),
    1,
  ],
  [
    "nft, in a chain that iptables would not take for its own",
    () =>
      nft(`table ip filter { chain FORWARD { type filter hook forward priority 10; policy drop;
    ip saddr { 10.1.1.1, 10.1.1.2 } accept
    }; }`),
    1,
  ],
];

test.each(OPENED)("%s: one rule of ours while wanted, and all as before when not", async (_what, make, count) => {
  await make();
  const before = await rulesets();
  const done = await sync(true);
  expect({ count: done.length, failed: done.filter(({ error }) => error !== undefined) }).toEqual({
    count,
    failed: [],
  });
  expect(await sync(true)).toEqual([]);
  expect(await rulesets()).not.toBe(before);
  expect((await sync(false)).filter(({ error }) => error !== undefined)).toEqual([]);
  expect(await rulesets()).toBe(before);
  expect(await sync(false)).toEqual([]);
});

test("iptables goes on as usual beside our rule, and what it appends comes before it at the next sync", async () => {
  await node.run("iptables-nft", ["-P", "FORWARD", "DROP"]);
  await sync(true);
  await node.run("iptables-nft", ["-A", "FORWARD", "-s", "10.9.9.9", "-j", "DROP"]);
  await sync(true);
  expect(await kinds({ name: "FORWARD" })).toEqual(["other", "ours"]);
  await node.run("iptables-nft", ["-P", "FORWARD", "ACCEPT"]);
  await sync(true);
  expect(await kinds({ name: "FORWARD" })).toEqual(["other"]);
});

test("chains that accept are left alone, and no table of iptables-legacy is made by looking", async () => {
  await nft("table inet fw { chain f { type filter hook forward priority 0; ip saddr 10.9.9.9 drop; }; }");
  await nft("table bridge fw { chain f { type filter hook forward priority 0; policy drop; }; }");
  await nft("table inet nat { chain f { type nat hook postrouting priority 0; policy drop; }; }");
  expect(await sync(true)).toEqual([]);
  expect((await node.run("cat", ["/proc/net/ip_tables_names"])).trim()).toBe("");
});

test("where iptables is missing, the chain and the remedy are named, and the other chains are opened", async () => {
  await node.run("iptables-nft", ["-P", "FORWARD", "DROP"]);
  await node.run("iptables-nft", ["-A", "INPUT", "-s", "10.9.9.9", "-j", "DROP"]);
  await nft("table inet fw { chain f { type filter hook forward priority 0; policy drop; }; }");
  const without: Run = (program, args, options) =>
    node.run(program.startsWith("iptables") ? "no-such-program" : program, args, options);
  const outcomes = await sync(true, without);
  expect(outcomes.map(({ step, error }) => [step, error === undefined])).toEqual([
    ["let mesh traffic through chain ip filter FORWARD (iptables-nft)", false],
    ["let mesh traffic through chain inet fw f (nft)", true],
  ]);
  expect(outcomes[0]?.error).toMatch(
    /no-such-program.*install iptables-nft where the agent runs, or accept packets with mark 0x1000\/0x1000/s,
  );
});

test("where iptables is missing and the remedy was followed there is nothing left to do", async () => {
  await node.run("iptables-nft", ["-P", "FORWARD", "DROP"]);
  const without: Run = (program, args, options) =>
    node.run(program.startsWith("iptables") ? "no-such-program" : program, args, options);
  expect(await sync(true, without)).toHaveLength(1);
  await nft("add rule ip filter FORWARD meta mark & 0x1000 == 0x1000 accept");
  expect(await sync(true, without)).toEqual([]);
  expect(await sync(true)).toEqual([]);
  expect(await sync(false)).toEqual([]);
  expect(await kinds({ name: "FORWARD" })).toEqual(["admits"]);
});

test("a chain that drops before our mark is named with what to do", async () => {
  await node.run("iptables-nft", ["-t", "mangle", "-P", "FORWARD", "DROP"]);
  expect(await sync(true)).toEqual([
    {
      step: "let mesh traffic through chain ip mangle FORWARD (iptables-nft)",
      error: expect.stringMatching(/priority -150.*set its policy to accept/) as unknown,
      obstacle: true,
    },
  ]);
});
