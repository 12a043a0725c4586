import { afterAll, afterEach, beforeAll, describe, expect, test } from "@jest/globals";
import path from "node:path";
import { layoutOf } from "../../lab/layout.ts";
import { stateOf } from "../../lab/state.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import type { Background } from "./support/background.ts";
import { serveSources, sourcesSeen } from "./support/sources.ts";
import { meshAddress } from "./support/talk.ts";
import { LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";

/** Beside other programs' rules and settings, on a gateway and on a plain node, and what leaves with which address. */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "both-kinds.yaml");
const EAST = ["east/a", "east/b"];
/** East's own, and those of clusters that it reaches by WireGuard and, one each over IPv4 and IPv6, by VXLAN. */
const PODS = { east: ["east/web", "east/api"], remote: ["west/db", "west/cache", "south/mail", "north/feed"] };
const FAMILIES = [4, 6] as const;
const PORT = 4008;
/** Of east's nodes, see the lab file. */
const [OPEN_PORT, CLOSED_PORT] = [8080, 8081];

/** Others' chains and sysctls are looked at every ten seconds; a busy machine is given more. */
const RESYNC_LIMIT_MS = 90_000;
/** How long an answer is waited for, where it has to come, and where none may come, or it is asked for again. */
const [ANSWER_MS, SILENCE_MS] = [30_000, 5_000];
/** What was seen, told at the end. */
const figures: string[] = [];
const servers: Background[] = [];
/** By node of east, of both families. */
let mesh: ReadonlyMap<string, readonly string[]>;

beforeAll(async () => {
  await lab.up(FILE);
  for (const pod of [...PODS.east, ...PODS.remote]) servers.push(await serveSources(lab.place(pod), [PORT]));
  for (const node of EAST) servers.push(await serveSources(lab.place(node), [OPEN_PORT, CLOSED_PORT]));
  servers.push(await serveSources(lab.place("hub"), [PORT]));
  const addresses = EAST.map(async (node) => {
    const [cluster = "", name = ""] = node.split("/");
    return [node, await Promise.all(FAMILIES.map((family) => meshAddress(lab, cluster, name, family)))] as const;
  });
  mesh = new Map(await Promise.all(addresses));
}, 2 * LAB_LIMIT_MS);

afterAll(async () => {
  console.log(`figures of this run:\n  ${figures.join("\n  ")}`);
  await Promise.all(servers.map(({ stop }) => stop("SIGKILL")));
  await lab.down();
}, 2 * LAB_LIMIT_MS);

/** Addresses of pods, of both families. */
const addressesOf = (pods: readonly string[]): string[] =>
  pods.flatMap((pod) => FAMILIES.map((family) => lab.pod(pod, family)));

/** By whom, to whom, from which address: by new connections, of both families. @param source what a pod or node of that name is expected to be seen as */
async function isSeenAs(
  senders: readonly string[],
  targets: readonly string[],
  source: (sender: string) => readonly string[],
  waitMs = ANSWER_MS,
): Promise<true | readonly string[]> {
  const asked = senders.map(async (sender) => {
    const seen = await sourcesSeen(lab.place(sender), addressesOf(targets), PORT, waitMs);
    return Object.entries(seen).map(([target, as]) => ({ sender, target, as }));
  });
  const wrong = (await Promise.all(asked))
    .flat()
    .filter(({ sender, target, as }) => as !== source(sender)[target.includes(":") ? 1 : 0]);
  return wrong.length === 0 || wrong.map(({ sender, target, as }) => `${sender} to ${target} as ${as}`);
}

/** Pods of east and of the others to each other as themselves, nodes of east as their mesh addresses. */
async function allPass(waitMs = ANSWER_MS): Promise<true | readonly string[]> {
  const own = (pod: string): string[] => addressesOf([pod]);
  const ways = await Promise.all([
    isSeenAs(PODS.east, PODS.remote, own, waitMs),
    isSeenAs(PODS.remote, PODS.east, own, waitMs),
    isSeenAs(EAST, PODS.remote, (node) => mesh.get(node) ?? [], waitMs),
  ]);
  const wrong = ways.flatMap((way) => (way === true ? [] : way));
  return wrong.length === 0 || wrong;
}

/** On both nodes of east. @returns what each printed */
function onBoth(script: string): Promise<string[]> {
  return Promise.all(EAST.map((node) => lab.place(node).run("sh", ["-ec", script])));
}

async function passAgain(what: string, sinceMs: number): Promise<void> {
  await eventually(() => allPass(SILENCE_MS), RESYNC_LIMIT_MS);
  figures.push(`${what}: all pass after ${Date.now() - sinceMs} ms`);
}

test("nodes, plain and gateway, send with their mesh addresses, pods with their own", async () => {
  expect(await allPass()).toBe(true);
});

test("remote pods reach a program of a node at its mesh address by a port that was opened, and by no other", async () => {
  const targets = [...mesh.values()].flat();
  for (const pod of PODS.remote) {
    const [own, own6] = addressesOf([pod]);
    const open = targets.map((target) => [target, target.includes(":") ? own6 : own]);
    expect(await sourcesSeen(lab.place(pod), targets, OPEN_PORT, ANSWER_MS)).toEqual(Object.fromEntries(open));
    const closed = targets.map((target) => [target, "silence"]);
    expect(await sourcesSeen(lab.place(pod), targets, CLOSED_PORT, SILENCE_MS)).toEqual(Object.fromEntries(closed));
  }
});

const IPTABLES = (...rules: readonly string[]): string =>
  rules.flatMap((rule) => [`iptables ${rule}`, `ip6tables ${rule}`]).join("\n");

describe.each([
  [
    "iptables",
    IPTABLES("-P FORWARD DROP"),
    // As a firewall does that is told to load its rules again.
    IPTABLES("-F FORWARD", "-A FORWARD -m conntrack --ctstate INVALID -j DROP"),
    IPTABLES("-P FORWARD ACCEPT", "-F FORWARD"),
  ],
  [
    "native nft",
    "nft add table inet strict; nft 'add chain inet strict pass { type filter hook forward priority 0; policy drop; }'",
    "nft flush chain inet strict pass; nft add rule inet strict pass ct state invalid drop",
    "nft delete table inet strict",
  ],
])("a forward chain that drops by default, by %s", (what, make, rewrite, remove) => {
  afterAll(() => onBoth(remove));

  test("lets mesh traffic through soon", async () => {
    const sinceMs = Date.now();
    await onBoth(make);
    await passAgain(`${what}, policy drop`, sinceMs);
  });

  test(
    "is put right when its owner writes it anew, and stays shut where no agent does that",
    async () => {
      await Promise.all(EAST.map((node) => lab.kill(`agent:${node}`)));
      await onBoth(rewrite);
      expect(await isSeenAs(PODS.east, PODS.remote, () => ["silence", "silence"], SILENCE_MS)).toBe(true);
      await Promise.all(EAST.map((node) => lab.mend(`agent:${node}`)));
      await passAgain(`${what}, written anew while the agent was dead, after its start`, Date.now());
      const sinceMs = Date.now();
      await onBoth(rewrite);
      await passAgain(`${what}, written anew`, sinceMs);
    },
    LAB_LIMIT_MS,
  );
});

describe.each([
  ["iptables", IPTABLES("-t nat -A POSTROUTING -j MASQUERADE"), IPTABLES("-t nat -F POSTROUTING")],
  [
    "iptables, of what leaves by the LAN",
    IPTABLES("-t nat -A POSTROUTING -o eth0 -j MASQUERADE"),
    IPTABLES("-t nat -F POSTROUTING"),
  ],
  [
    "native nft",
    "nft add table inet masks; nft 'add chain inet masks out { type nat hook postrouting priority srcnat; }'; nft add rule inet masks out masquerade",
    "nft delete table inet masks",
  ],
])("MASQUERADE by %s", (_, make, remove) => {
  beforeAll(() => onBoth(make));
  afterAll(() => onBoth(remove));

  test("leaves pods the addresses they have, for other clusters", async () => {
    expect(await allPass()).toBe(true);
  });

  test("is at work for everybody else", async () => {
    const hub = layoutOf(lab.name, stateOf(lab.lab).file).hub.attachments.map(({ address }) => address);
    for (const [at, pod] of PODS.east.entries()) {
      const node = lab.site("east").nodes[at]?.attachments.map(({ address }) => address);
      expect(Object.values(await sourcesSeen(lab.place(pod), hub, PORT, ANSWER_MS))).toEqual(node);
    }
  });
});

test("what kube-proxy marked to be masqueraded leaves with the mesh address of the pod's node", async () => {
  await onBoth(
    IPTABLES(
      "-t mangle -A PREROUTING -i tp+ -j MARK --set-xmark 0x4000/0x4000",
      "-t nat -A POSTROUTING -m mark --mark 0x4000/0x4000 -j MASQUERADE",
    ),
  );
  const nodeOf = (pod: string): string => (pod === "east/web" ? "east/a" : "east/b");
  expect(await isSeenAs(PODS.east, PODS.remote, (pod) => mesh.get(nodeOf(pod)) ?? [])).toBe(true);
  await onBoth(IPTABLES("-t mangle -F PREROUTING", "-t nat -F POSTROUTING"));
  expect(await allPass()).toBe(true);
});

describe("sysctls that others set", () => {
  const OURS = [
    "net.ipv4.ip_forward",
    "net.ipv6.conf.all.forwarding",
    "net.ipv4.conf.eth0.rp_filter",
    "net.ipv4.fib_multipath_hash_policy",
    "net.ipv6.fib_multipath_hash_policy",
  ];
  const read = `sysctl ${OURS.join(" ")}`;
  afterEach(() => onBoth("sysctl -qw net.ipv4.conf.all.rp_filter=0"));

  test.each([
    [
      "reverse path filters, of all devices and of the LAN's",
      ["net.ipv4.conf.all.rp_filter=1", "net.ipv4.conf.eth0.rp_filter=1"],
    ],
    ["forwarding of both families", ["net.ipv4.ip_forward=0", "net.ipv6.conf.all.forwarding=0"]],
    ["hash policies", ["net.ipv4.fib_multipath_hash_policy=0", "net.ipv6.fib_multipath_hash_policy=0"]],
  ])(
    "%s: put right, and traffic goes on",
    async (what, foreign) => {
      const before = await onBoth(read);
      let sinceMs = Date.now();
      // Once more where an agent happened to look, and put it right, before it was read.
      await eventually(async () => {
        sinceMs = Date.now();
        const changed = await onBoth(`sysctl -qw ${foreign.join(" ")}; ${read}`);
        return changed.every((each, at) => each !== before[at]) || changed;
      });
      await eventually(async () => {
        const now = await onBoth(read);
        return now.every((each, at) => each === before[at]) || now;
      }, RESYNC_LIMIT_MS);
      figures.push(`${what}: as ours again after ${Date.now() - sinceMs} ms`);
      await passAgain(what, sinceMs);
    },
    LAB_LIMIT_MS,
  );
});
