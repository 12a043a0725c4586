import { mkdir, mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { membershipKind } from "../../../crds/membership.ts";
import { networkKind } from "../../../crds/network.ts";
import { podKind } from "../../../crds/pod.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import type { Family } from "../../../mesh/resources.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { makeLoneNode } from "../../../tunnel/testing/lone-node.ts";
import type { TestNode } from "../../../tunnel/testing/namespace.ts";
import { startTrestle, TRESTLE } from "./daemon.ts";
import type { Daemon } from "./daemon.ts";
import { configuration, runPlugin } from "./plugin.ts";
import type { Command, Said } from "./plugin.ts";
import { reachStore } from "./store.ts";
import type { DistantStore } from "./store.ts";

/**
 * A machine of its own, cluster "east", which nobody is linked with: the cluster's store, the agent that serves the
 * plugin, and pods' namespaces. All of it lives in the node's namespaces and is gone with them.
 */
export interface CNINode extends TestNode {
  /** A folder of this machine, seen on the node as well. */
  readonly folder: string;
  readonly socket: string;
  readonly confDir: string;
  /** State folder of the agent. */
  readonly state: string;
  readonly store: DistantStore;
  startStore(): Promise<void>;
  killStore(): Promise<void>;
  /** Starts the agent; {@link ready} says when it serves. */
  startAgent(): void;
  killAgent(): Promise<void>;
  /** Waits until ADDs can be served. */
  ready(): Promise<void>;
  /** Asks `trestle WORDS…` of the node's store. */
  ask(...words: readonly string[]): Promise<string>;
  /** Makes a pod known and gives it a namespace. */
  makePod(name: string, annotations?: Readonly<Record<string, string>>): Promise<TestPod>;
}

/** A pod before its network: what a runtime knows of it. */
export interface TestPod {
  readonly name: string;
  /** Path of its network namespace, on the node. */
  readonly netns: string;
  /** CNI_ARGS of any call for it. */
  readonly args: string;
}

/** The LAN's are some of what {@link makeLoneNode} has there. */
const RANGES = {
  4: {
    pods: { cidr: "10.64.0.0/16", reservedIPs: ["10.64.255.0-10.64.255.15"] },
    lan: { cidr: "192.0.2.0/24", range: { start: "192.0.2.64", end: "192.0.2.223" } },
    mesh: "100.64.0.0/22",
  },
  6: {
    pods: {
      cidr: "fd10:64::/48",
      range: { start: "fd10:64::", end: "fd10:64::ffff" },
      reservedIPs: ["fd10:64::ff00-fd10:64::ff0f"],
    },
    lan: { cidr: "2001:db8::/64", range: { start: "2001:db8::64", end: "2001:db8::1ff" } },
    mesh: "fd64:64::/64",
  },
} as const;
const STORE_PORT = 4223;
const SLOW_MS = 60_000;

export interface CNINodeOptions {
  /** Size of the disk that has the agent's state; absent: that of this machine. */
  readonly stateBytes?: number;
  /** Of pods; both unless told. */
  readonly families?: readonly Family[];
}

/** Makes the node with its store and its agent, which serves when this resolves. */
export async function makeCNINode(
  label: string,
  { stateBytes, families = [4, 6] }: CNINodeOptions = {},
): Promise<CNINode> {
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-cni-"));
  const node = await makeLoneNode(label);
  const [socket, confDir, state] = ["cni.sock", "net.d", "agent"].map((name) => path.join(folder, name)) as [
    string,
    string,
    string,
  ];
  const storeState = path.join(folder, "store");
  const access = path.join(storeState, "store.yaml");
  let storeDaemon: Daemon | undefined;
  let agent: Daemon | undefined;
  const startStore = async (): Promise<void> => {
    storeDaemon = startTrestle(node, ["store", "--state", storeState, "--listen", `127.0.0.1:${STORE_PORT}`]);
    const listens = async (): Promise<unknown> =>
      (await node.run("ss", ["-Hltn", `sport = :${STORE_PORT}`])) !== "" || storeDaemon?.tail();
    await eventually(listens, SLOW_MS);
  };
  await startStore();
  const store = reachStore(node, access);
  await fill(store, families);
  const startAgent = (): void => {
    const who = ["--cluster", "east", "--node", "a", "--roles", "gateway,node", "--lan-device", "eth0"];
    const where = ["--store", access, "--state", state, "--cni-socket", socket, "--cni-conf-dir", confDir];
    agent = startTrestle(node, ["agent", ...who, ...where]);
  };
  if (stateBytes !== undefined) {
    await mkdir(state);
    await node.run("mount", ["-t", "tmpfs", "-o", `size=${stateBytes},mode=700`, "tmpfs", state]);
  }
  startAgent();
  const ready = (): Promise<void> =>
    eventually(async () => {
      const { code, output } = await call(socket, "STATUS");
      return code === 0 || `${output}\n${agent?.tail()}`;
    }, SLOW_MS);
  await ready();
  return {
    ...node,
    folder,
    socket,
    confDir,
    state,
    store,
    startStore,
    startAgent,
    ready,
    killStore: async () => storeDaemon?.end("SIGKILL"),
    killAgent: async () => agent?.end("SIGKILL"),
    ask: (...words) => node.run(process.execPath, [TRESTLE, ...words, "--store", access]),
    makePod: (name, annotations) => makePod(node, store, name, annotations),
    remove: async () => {
      await store.close();
      await agent?.end("SIGTERM");
      await storeDaemon?.end("SIGTERM");
      await node.remove();
      await rm(folder, { recursive: true });
    },
  };
}

/** One call for a pod, by exec. */
export function call(
  socket: string,
  command: Command,
  pod?: TestPod,
  { sandbox = pod?.name ?? "", config = configuration() }: { sandbox?: string; config?: object } = {},
): Promise<Said> {
  const of = pod && { CNI_CONTAINERID: sandbox, CNI_IFNAME: "eth0", CNI_NETNS: pod.netns, CNI_ARGS: pod.args };
  return runPlugin(socket, { CNI_COMMAND: command, CNI_PATH: "/nowhere", ...of }, JSON.stringify(config));
}

async function makePod(
  node: TestNode,
  store: DistantStore,
  name: string,
  annotations: Readonly<Record<string, string>> = {},
): Promise<TestPod> {
  const spec = { namespace: "default", name, node: "a" };
  const { metadata } = await store.create(podKind, { metadata: { name: `default.${name}`, annotations }, spec });
  await node.run("ip", ["netns", "add", name]);
  const pod = { K8S_POD_NAMESPACE: "default", K8S_POD_NAME: name, K8S_POD_UID: metadata.uid };
  const args = ["IgnoreUnknown=1", ...Object.entries(pod).map(([key, value]) => `${key}=${value}`)].join(";");
  return { name, netns: `/run/netns/${name}`, args };
}

/** The cluster has joined; it has an overlay, as its controller would make it, and its LAN is an underlay. */
async function fill(store: DistantStore, families: readonly Family[]): Promise<void> {
  const joined = { mesh: "m", cluster: "east", phase: "Joined", localCIDRs: [] } as const;
  await store.create(membershipKind, { metadata: { name: "mesh" }, spec: joined });
  const status = {
    number: 1,
    podCIDRs: families.map((family) => RANGES[family].pods.cidr),
    announcedCIDRs: [],
    meshPrefixes: families.map((family) => RANGES[family].mesh),
    revision: { epoch: 1, generation: 1 },
  };
  await store.putStatus(membershipKind, "mesh", status);
  const types = { pods: "Overlay", lan: "Underlay" } as const;
  for (const network of ["pods", "lan"] as const) {
    const metadata = { name: network };
    await store.create(networkKind, { metadata, spec: { type: types[network], nodeSelector: {} } });
    for (const family of families) {
      const common = { network, excludeIPs: [], reservedIPs: [], private: false, disabled: false, nodeSelector: {} };
      const spec = { ...common, ...RANGES[family][network] };
      await store.create(subnetKind, { metadata: { name: `${network}-${family}` }, spec });
    }
  }
}
