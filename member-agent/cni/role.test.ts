import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { existsSync } from "node:fs";
import { readFile, writeFile } from "node:fs/promises";
import path from "node:path";
import { z } from "zod";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { podKind } from "../../crds/pod.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import { subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import { systemClock } from "../../platform/clock.ts";
import { MeshError } from "../../platform/errors.ts";
import { openJournal } from "../../platform/journal.ts";
import { runner } from "../../platform/run.ts";
import type { Run } from "../../platform/run.ts";
import { openStateFolder } from "../../platform/state-folder.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { observePodWires } from "../../tunnel/pod-wires.ts";
import { makeLoneNode } from "../../tunnel/testing/lone-node.ts";
import type { TestNode } from "../../tunnel/testing/namespace.ts";
import { observeProxies } from "../../tunnel/underlay/proxies.ts";
import type { MemberLevel } from "../member/level.ts";
import { AddressCluster } from "../testing/address-node.ts";
import { silent } from "../testing/folder.ts";
import { CONFLIST } from "./conflist.ts";
import { CNIRole } from "./role.ts";
import { callPlugin } from "./testing/plugin.ts";

const SUBNETS = {
  pods: subnetSpec("10.0.0.0/26", { blockSize: 26 }),
  hall: subnetSpec("192.0.2.0/24", { network: "lan", range: { start: "192.0.2.64", end: "192.0.2.79" } }),
};
const UNDERLAY = { [ANNOTATIONS.networkType]: "Underlay" };
const JOURNAL = "ipam.journal";

let node: TestNode;
let cluster: AddressCluster;
let folder: StateFolder;
let life: AbortController;
let ready: boolean;
let socket: string;
let confDir: string;
/** Told of each program before the role starts it. */
let onRun: Run;
/** What runs until the life ends. */
let running: Promise<unknown>[];
let namespaces: string[];

beforeEach(async () => {
  [life, ready, running, namespaces] = [new AbortController(), false, [], []];
  onRun = async () => "";
  node = await makeLoneNode("role");
  cluster = await AddressCluster.open(SUBNETS);
  folder = await openStateFolder(path.join(cluster.root, "state"), silent);
  [socket, confDir] = [path.join(cluster.root, "cni.sock"), path.join(cluster.root, "net.d")];
});
afterEach(async () => {
  life.abort();
  await Promise.all(running);
  await folder.unlock();
  await cluster.remove();
  for (const name of namespaces) await runner()("ip", ["netns", "delete", name]);
  await node.remove();
});

function open(where: StateFolder = folder): Promise<CNIRole | undefined> {
  const prefix = ["nsenter", `--net=/run/netns/${node.name}`, "--"];
  const lan = { device: "eth0", addresses: ["192.0.2.1/24"], mtu: 1_500, routerAdvertisements: false };
  const parts = {
    node: "a",
    socket,
    confDir,
    folder: where,
    prefix,
    run: async (...command: Parameters<Run>) => {
      await onRun(...command);
      return runner(prefix)(...command);
    },
    lan: () => lan,
    isReady: () => ready,
    clock: systemClock,
    log: silent,
  };
  return CNIRole.open(parts, life.signal);
}

/** Opened, answering, and with the store heard. */
async function started(): Promise<CNIRole> {
  const role = await open();
  if (role === undefined) throw new Error("it was not opened");
  const heard = Promise.withResolvers<void>();
  running.push(role.serve(life.signal), role.useStore(cluster.store, heard.resolve, life.signal));
  await heard.promise;
  return role;
}

async function level(): Promise<MemberLevel> {
  const { networks, subnets, blocks } = await cluster.level("a");
  return { membership: undefined, nodes: [], gateways: [], remotes: [], networks, subnets, blocks };
}

async function call(command: string, pod = "none"): Promise<unknown> {
  const CNI_ARGS = `K8S_POD_NAMESPACE=shop;K8S_POD_NAME=${pod}`;
  const CNI_NETNS = `/run/netns/${node.name}-${pod}`;
  return callPlugin(socket, { CNI_COMMAND: command, CNI_CONTAINERID: pod, CNI_IFNAME: "eth0", CNI_NETNS, CNI_ARGS });
}

const refusal = (code: number, words: string) => ({
  code: 1,
  said: expect.objectContaining({ code, msg: expect.stringContaining(words) }),
});
const journal = () => readFile(path.join(folder.path, JOURNAL));

test.each<[string, string, () => Promise<unknown>]>([
  ["that can't be read", "can't be read at line 1", () => folder.writeText(JOURNAL, "no journal\nat all\n")],
  [
    "of a later version",
    "was written by a later version of Trestle",
    async () => {
      const later = { folder, name: JOURNAL, version: 99, schema: z.unknown(), log: silent };
      await (await openJournal(later)).journal.close();
    },
  ],
])("with a book %s the plugin is told why until the end, and the book stays as it is", async (_, words, spoil) => {
  await spoil();
  const before = await journal();
  const opened = open();
  await eventually(() => existsSync(socket));
  for (const command of ["ADD", "DEL", "CHECK", "GC"]) expect(await call(command)).toEqual(refusal(11, words));
  expect(await call("STATUS")).toEqual(refusal(50, words));
  expect(await call("VERSION")).toMatchObject({ code: 0 });
  life.abort();
  expect(await opened).toBeUndefined();
  expect([existsSync(socket), existsSync(confDir)]).toEqual([false, false]);
  expect(await journal()).toEqual(before);
});

test("a book that can't be opened for the moment is opened a moment later", async () => {
  let times = 0;
  const readBytes = (name: string): Promise<Uint8Array | undefined> => {
    times += 1;
    if (times === 1) throw new MeshError("state-unusable", "the disk is not there", { retry: true });
    return folder.readBytes(name);
  };
  const role = await open({ ...folder, readBytes });
  expect(times).toBe(2);
  running.push(role?.serve(life.signal) ?? Promise.reject(new Error("it was not opened")));
  await eventually(() => existsSync(socket));
});

test("the runtime is told of the plugin once addresses are known and the node is ready, and what it changes is put back", async () => {
  const role = await started();
  const conflist = path.join(confDir, CONFLIST);
  ready = true;
  await role.reconcile();
  expect(existsSync(conflist)).toBe(false);
  expect(await call("STATUS")).toEqual(refusal(50, "addresses"));
  expect(await call("ADD", "none")).toEqual(refusal(3, "no network namespace"));
  ready = false;
  await role.follow(await level(), false);
  await role.reconcile();
  expect(existsSync(conflist)).toBe(false);
  expect(await call("STATUS")).toEqual({ code: 0, said: undefined });
  ready = true;
  await role.reconcile();
  const installed = await readFile(conflist, "utf8");
  expect(JSON.parse(installed)).toMatchObject({ plugins: [{ type: "trestle-cni", socket }] });
  await writeFile(conflist, "{}");
  await role.reconcile();
  expect(await readFile(conflist, "utf8")).toBe(installed);
});

async function makePod(name: string, annotations: Readonly<Record<string, string>> = {}): Promise<void> {
  namespaces.push(`${node.name}-${name}`);
  await runner()("ip", ["netns", "add", `${node.name}-${name}`]);
  const spec = { namespace: "shop", name, node: "a" };
  await cluster.store.create(podKind, { metadata: { name: `shop.${name}`, annotations }, spec });
}

test("whoever leaves gives everything back: addresses, wires, what the LAN was told, and pods get nothing any more", async () => {
  const role = await started();
  await role.follow(await level(), false);
  const { run } = node;
  const pods = { web: {}, db: UNDERLAY };
  for (const [name, annotations] of Object.entries(pods)) {
    await makePod(name, annotations);
    await eventually(async () => {
      const added = (await call("ADD", name)) as { readonly code: number };
      return added.code === 0 || added;
    });
  }
  await eventually(async () => (await cluster.store.list(ipInstanceKind)).length === 2);
  // A wire that nobody knows of any more goes as well.
  await run("ip", ["link", "add", "tp0123456789ab", "type", "veth", "peer", "name", "other"]);
  expect(await observePodWires(run)).toHaveLength(3);
  expect(await observeProxies(run, "eth0")).toHaveLength(1);
  await role.leave();
  expect(await observePodWires(run)).toEqual([]);
  expect(await observeProxies(run, "eth0")).toEqual([]);
  await eventually(async () => (await cluster.store.list(ipInstanceKind)).length === 0);
  expect(await call("ADD", "web")).toEqual(refusal(11, "does not know its addresses yet"));
  expect(await call("DEL", "web")).toEqual({ code: 0, said: undefined });
});

test("an ADD that is at work when the node leaves is undone", async () => {
  const role = await started();
  await role.follow(await level(), false);
  await makePod("db", UNDERLAY);
  const asked = Promise.withResolvers<void>();
  onRun = async (_program, _args, options) => {
    // The LAN is asked who has the address: that takes a while.
    if (options?.stdin?.includes(" use")) asked.resolve();
    return "";
  };
  const adding = call("ADD", "db");
  await asked.promise;
  await role.leave();
  expect(await adding).toEqual(refusal(11, "has left the mesh"));
  expect([await observePodWires(node.run), await observeProxies(node.run, "eth0")]).toEqual([[], []]);
  await eventually(async () => (await cluster.store.list(ipInstanceKind)).length === 0);
});
