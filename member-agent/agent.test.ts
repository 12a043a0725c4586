import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readdir } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { credentialKind } from "../crds/credential.ts";
import { gatewayKind } from "../crds/gateway.ts";
import { ipInstanceKind } from "../crds/ip-instance.ts";
import { membershipKind } from "../crds/membership.ts";
import { networkKind } from "../crds/network.ts";
import { nodeKind } from "../crds/node.ts";
import { remoteClusterKind } from "../crds/remote-cluster.ts";
import { subnetKind } from "../crds/subnet.ts";
import { instance, network, subnetSpec } from "../mesh/ipam/testing/objects.ts";
import { systemClock } from "../platform/clock.ts";
import type { Clock } from "../platform/clock.ts";
import { generateSeed, openSigner } from "../platform/identity/signature.ts";
import { makeUserKey } from "../platform/identity/user-key.ts";
import { connectNats } from "../platform/nats/connection.ts";
import type { StateFolder } from "../platform/state-folder.ts";
import { amendStatus } from "../platform/store/amend.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { freePort } from "../platform/testing/free-port.ts";
import { findTool } from "../platform/tools.ts";
import { ROUTE_PROTOCOL } from "../tunnel/marks.ts";
import { observePodWires } from "../tunnel/pod-wires.ts";
import { podAlias, podDevice } from "../tunnel/pod-link.ts";
import { makeLoneNode } from "../tunnel/testing/lone-node.ts";
import type { TestNode } from "../tunnel/testing/namespace.ts";
import { observeProxies } from "../tunnel/underlay/proxies.ts";
import { runAgent } from "./agent.ts";
import { attachmentKey } from "./ipam/binding.ts";
import type { ConnectNats } from "./member/connect.ts";
import { leaveMesh } from "./member/leave.ts";
import { agentSettings } from "./settings.ts";
import { withFolder } from "./testing/folder.ts";
import { levelOf } from "./testing/level.ts";
import { keptLog } from "./testing/log.ts";
import { startMemberStore } from "./testing/store.ts";
import type { MemberStore } from "./testing/store.ts";

let node: TestNode;
let member: MemberStore;

beforeEach(async () => {
  [node, member] = await Promise.all([makeLoneNode("agent"), startMemberStore()]);
});

afterEach(async () => {
  await member?.remove();
  await node?.remove();
});

/** Dials as a daemon does: for as long as it takes. */
const patient: ConnectNats = ({ until = new AbortController().signal, ...to }) =>
  connectNats({
    ...to,
    name: "agent",
    waitOnFirstConnect: true,
    clock: systemClock,
    log: keptLog().log,
    signal: until,
  });

/** So that what comes back does not do so because it was time for a look. */
const WITHOUT_RESYNC: Clock = {
  ...systemClock,
  sleep: (ms, signal) => systemClock.sleep(ms === 10_000 ? 600_000 : ms, signal),
};

/** Of the linked cluster, one after another. */
const CHANGES = 6;

interface TestAgent {
  /** Its state folder. */
  readonly where: string;
  readonly ready: () => boolean;
  /** How often it looked at all that the kernel holds. */
  readonly looks: () => number;
  /** What it logged. */
  readonly said: () => readonly string[];
}

/** Runs a test with the agent of node "a" of cluster east; its kernel is that of the lone node. */
async function withAgent(
  roles: string,
  use: (agent: TestAgent) => Promise<void>,
  more: { readonly cniSocket?: string } = {},
): Promise<void> {
  const run = async (folder: StateFolder, where: string): Promise<void> => {
    const { log, lines } = keptLog();
    const life = new AbortController();
    let ready = false;
    let looks = 0;
    const settings = { cluster: "east", node: "a", roles, store: "-", state: where, lanDevice: "eth0", ...more };
    const running = runAgent(
      {
        settings: agentSettings.parse(settings),
        folder,
        run: (program, args, options) => {
          if (program === "nft" && args.includes("chains")) looks += 1;
          return node.run(program, args, options);
        },
        prefix: node.prefix,
        wireGuardGo: findTool("wireguard-go", process.env["PATH"] ?? ""),
        openStore: () => Promise.resolve(member.store),
        connect: patient,
        lookup: () => Promise.reject(new Error("ENOTFOUND")),
        clock: WITHOUT_RESYNC,
        log,
        onReady: (now) => (ready = now),
        onEnd: () => life.abort(),
      },
      life.signal,
    );
    try {
      await use({ where, ready: () => ready, looks: () => looks, said: () => lines.map(({ msg }) => msg) });
    } finally {
      life.abort();
      await running;
    }
  };
  await withFolder(run);
}

/** East has joined; a plain node's store says the rest, too. */
async function fillStore(): Promise<void> {
  const { store } = member;
  const { membership, nodes, gateways, remotes } = levelOf(1);
  for (const object of nodes.filter(({ metadata }) => metadata.name === "b"))
    await store.create(nodeKind, { metadata: { name: "b" }, spec: object.spec });
  for (const { spec } of gateways) await store.create(gatewayKind, { metadata: { name: "rank-0" }, spec });
  for (const { spec } of remotes) await store.create(remoteClusterKind, { metadata: { name: "west" }, spec });
  if (membership === undefined) throw new Error("a level without membership");
  await store.create(membershipKind, { metadata: { name: "mesh" }, spec: membership.spec });
  await amendStatus(store, membershipKind, "mesh", () => membership.status);
}

test("a firewall that drops before ours can speak is told of, and keeps the node from nothing else", async () => {
  await node.run("nft", ["table ip strict { chain f { type filter hook forward priority -200; policy drop; }; }"]);
  await fillStore();
  await withAgent("node", async ({ ready, said }) => {
    await eventually(async () => {
      const { status } = (await member.store.get(nodeKind, "a")) ?? {};
      return (status?.appliedRevision?.generation === 1 && ready()) || [status, ready(), said()];
    });
    expect(await node.run("ip", ["route", "show", "10.65.0.0/16", "proto", "174"])).toContain("via 192.0.2.2");
    await eventually(() => said().some((line) => line.includes("strict")) || said());
  });
});

test("what vanishes is put back because the kernel tells it, and what the agent changes itself takes no look", async () => {
  const { store } = member;
  await fillStore();
  await withAgent("node", async ({ looks, said }) => {
    const applied = async (generation: number): Promise<void> =>
      eventually(async () => {
        const { status } = (await store.get(nodeKind, "a")) ?? {};
        return status?.appliedRevision?.generation === generation || [status, said()];
      });
    const routes = (prefix: string) => node.run("ip", ["route", "show", prefix, "proto", "174"]);
    const vanish = async (): Promise<void> => {
      await node.run("ip", ["route", "delete", "10.65.0.0/16", "proto", "174", "metric", "0"]);
      await eventually(async () => (await routes("10.65.0.0/16")).includes("via 192.0.2.2"));
    };
    await applied(1);
    // The monitors may still be starting, and what the agent made first still being told.
    await eventually(async () => {
      const before = looks();
      await vanish();
      return looks() === before + 1 || looks();
    });
    // One look may still follow what vanished; had each change been a doubt, there would be as many as changes.
    const before = looks();
    for (let change = 1; change <= CHANGES; change += 1) {
      const grows = change % 2 === 1;
      const west = await store.get(remoteClusterKind, "west");
      const [{ spec } = {}] = levelOf(grows ? 2 : 1).remotes;
      if (west === undefined || spec === undefined) throw new Error("a cluster without a linked one");
      await store.update(remoteClusterKind, { ...west, spec });
      await eventually(async () => (await routes("100.64.8.0/22")).includes("via 192.0.2.2") === grows);
    }
    // Monitors tell in order: when they have told of this, they have told of the changes too.
    await vanish();
    expect(looks() - before).toBeLessThan(CHANGES);
  });
});

/** A pod that runs already, with a wire whose other end is nowhere else. */
async function putWiredPod(address: string): Promise<void> {
  const { store } = member;
  const attachment = { sandbox: "s1", interface: "eth0" };
  const device = podDevice(attachmentKey(attachment));
  await node.run("ip", ["link", "add", "dev", device, "type", "veth", "peer", "name", "pod0"]);
  await node.run("ip", ["link", "set", "dev", device, "up", "alias", podAlias(attachment)]);
  await node.run("ip", ["route", "add", address, "dev", device]);
  await store.create(networkKind, { metadata: { name: "lan" }, spec: network("lan", { type: "Underlay" }).spec });
  await store.create(subnetKind, { metadata: { name: "hall" }, spec: subnetSpec("192.0.2.0/24", { network: "lan" }) });
  const { metadata, spec } = instance(address, "hall", { network: "lan", node: "a", attachment });
  await store.create(ipInstanceKind, { metadata: { name: metadata.name }, spec });
}

test("the LAN is answered for pods again as soon as its device is up again", async () => {
  const pod = "192.0.2.70";
  await fillStore();
  await putWiredPod(pod);
  const answers = async () => (await observeProxies(node.run, "eth0")).includes(pod);
  const use = async ({ said }: TestAgent): Promise<void> => {
    await eventually(async () => (await answers()) || said());
    // The monitors may still be starting.
    await eventually(async () => {
      const flap = ["link set dev eth0 down", "link set dev eth0 up"].join("\n");
      await node.run("ip", ["-batch", "-"], { stdin: flap });
      return eventually(answers, 3_000).then(
        () => true,
        () => said(),
      );
    });
  };
  await withAgent("node", use, { cniSocket: path.join(tmpdir(), `${node.name}.sock`) });
});

test("a gateway whose hub is gone since before it started leaves when it is told to leave without the hub", async () => {
  const { store } = member;
  await fillStore();
  await store.create(credentialKind, {
    metadata: { name: "mesh" },
    spec: {
      mesh: "m",
      cluster: "east",
      natsURLs: [`nats://127.0.0.1:${await freePort()}`],
      ca: "",
      hubKey: openSigner(generateSeed()).publicKey,
      userSeed: makeUserKey().seed,
      userJWT: "jwt",
      renewJWT: "jwt",
      signingSeed: generateSeed(),
      tokenID: "t",
    },
  });
  await withAgent("gateway,node", async ({ where, said }) => {
    const files = async (): Promise<string[]> => (await readdir(where)).filter((name) => !name.includes("lock"));
    await eventually(async () => {
      const names = await files();
      const there = await store.get(nodeKind, "a");
      const isUp = there !== undefined && names.includes("credential.json") && names.includes("wireguard-1.key");
      return isUp || [names, said()];
    });
    // Of pods that an agent before this one wired; this one has no book of them.
    await node.run("ip", ["link", "add", "tp0123456789ab", "type", "veth", "peer", "name", "other"]);
    await node.run("ip", ["neigh", "add", "proxy", "192.0.2.70", "dev", "eth0", "protocol", String(ROUTE_PROTOCOL)]);
    await store.delete(nodeKind, "b");
    const parts = { store, connect: patient, clock: systemClock, onWaiting: () => undefined };
    const how = { withoutHub: true, limitMs: 120_000 };
    expect(await leaveMesh(parts, how, new AbortController().signal)).toBe("east");
    expect(await files()).toEqual([]);
    expect(await observePodWires(node.run)).toEqual([]);
    expect(await observeProxies(node.run, "eth0")).toEqual([]);
  });
});
