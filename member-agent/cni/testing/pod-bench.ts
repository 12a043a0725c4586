import { randomBytes } from "node:crypto";
import { ANNOTATIONS } from "../../../mesh/ipam/annotations.ts";
import type { PodFacts } from "../../../mesh/ipam/annotations.ts";
import { subnetSpec } from "../../../mesh/ipam/testing/objects.ts";
import { systemClock } from "../../../platform/clock.ts";
import { runner } from "../../../platform/run.ts";
import type { Run } from "../../../platform/run.ts";
import type { Pause } from "../../../platform/testing/memory-store.ts";
import { LinkDeletions } from "../../../tunnel/link-deletions.ts";
import { observePodWires } from "../../../tunnel/pod-wires.ts";
import { makeLoneNode } from "../../../tunnel/testing/lone-node.ts";
import type { TestNode } from "../../../tunnel/testing/namespace.ts";
import { AddressCluster, attachmentOf, factsOf } from "../../testing/address-node.ts";
import type { AddressNode } from "../../testing/address-node.ts";
import { silent } from "../../testing/folder.ts";
import { PodNetwork } from "../pod-network.ts";
import type { Call } from "../serve.ts";

const SUBNETS = {
  pods: subnetSpec("10.0.0.0/26", { blockSize: 26 }),
  six: subnetSpec("fd00::/122", { blockSize: 122 }),
  hall: subnetSpec("192.0.2.0/24", { network: "lan", range: { start: "192.0.2.64", end: "192.0.2.79" } }),
};

/** Annotations of a pod that is on the machines' LAN. */
export const UNDERLAY = { [ANNOTATIONS.networkType]: "Underlay" };

export interface TestPod {
  readonly netns: string;
  readonly facts: PodFacts;
}

/** A node with a LAN where nobody is, the addresses of a cluster, and pods' namespaces. */
export class PodBench {
  /** The node's network, and this machine's files: pods' namespaces are there. */
  readonly outside: Run;
  readonly cluster: AddressCluster;
  readonly agent: AddressNode;
  readonly pods: PodNetwork;
  /** Path of the node's network namespace. */
  readonly netns: string;
  readonly #node: TestNode;
  readonly #life = new AbortController();
  readonly #deletions = new LinkDeletions();
  /** What the cluster knows of pods, by name. */
  readonly #known = new Map<string, PodFacts>();
  readonly #namespaces: string[] = [];

  private constructor(node: TestNode, cluster: AddressCluster, agent: AddressNode) {
    this.#node = node;
    this.netns = `/run/netns/${node.name}`;
    this.outside = runner(["nsenter", `--net=${this.netns}`, "--"]);
    this.cluster = cluster;
    this.agent = agent;
    this.pods = this.networkBy(this.outside);
  }

  /** @param pause between the node and the cluster's store */
  static async open(label: string, pause?: Pause): Promise<PodBench> {
    const node = await makeLoneNode(label);
    const cluster = await AddressCluster.open(SUBNETS);
    return new PodBench(node, cluster, await cluster.node("a", { ...(pause && { pause }) }));
  }

  /**
   * @param run runs programs on the node
   * @param isHeard whether the store was there since the start
   * @param onFind awaited before the cluster says what it knows of a pod
   */
  networkBy(
    run: Run,
    {
      isReady = true,
      isHeard = true,
      onFind,
    }: { isReady?: boolean; isHeard?: boolean; onFind?: () => Promise<void> } = {},
  ): PodNetwork {
    const find = async (_: string, name: string): Promise<PodFacts | undefined> => {
      await onFind?.();
      return this.#known.get(name);
    };
    const directory = { find, ownerExists: async () => true };
    const parts = {
      ipam: this.agent.ipam,
      run,
      deletions: this.#deletions,
      lan: () => ({ device: "eth0", podMtu: 1420 }),
      directory: () => (isHeard ? directory : undefined),
      isReady: () => isReady,
      clock: systemClock,
      log: silent,
    };
    return new PodNetwork(parts, this.#life.signal);
  }

  async makePod(annotations: Readonly<Record<string, string>> = {}): Promise<TestPod> {
    const name = await this.makeNamespace();
    const facts = factsOf(name, annotations);
    this.#known.set(name, facts);
    return { netns: `/run/netns/${name}`, facts };
  }

  /** Of a sandbox. @returns its name */
  async makeNamespace(): Promise<string> {
    const name = `trs-test-pod-${randomBytes(3).toString("hex")}`;
    await runner()("ip", ["netns", "add", name]);
    this.#namespaces.push(name);
    return name;
  }

  async add(pod: TestPod, sandbox: string): Promise<string[]> {
    return (await this.pods.add(callOf(pod, sandbox))).addresses.map(({ address }) => address);
  }

  del(sandbox: string): Promise<void> {
    return this.pods.del({ attachment: attachmentOf(sandbox) });
  }

  check(pod: TestPod, sandbox: string): Promise<void> {
    return this.pods.check({ ...callOf(pod, sandbox), command: "CHECK" });
  }

  /** What the node's kernel has for a sandbox: addresses that are routed to it; undefined without a wire. */
  async routed(sandbox: string): Promise<readonly string[] | undefined> {
    const wires = await observePodWires(this.outside);
    return wires.find(({ attachment }) => attachment?.sandbox === sandbox)?.addresses;
  }

  async remove(): Promise<void> {
    this.#life.abort();
    await this.cluster.remove();
    for (const name of this.#namespaces) await runner()("ip", ["netns", "delete", name]).catch(() => undefined);
    await this.#node.remove();
  }
}

export function callOf({ netns, facts: { pod } }: TestPod, sandbox: string): Call<"ADD"> {
  return {
    command: "ADD",
    version: "1.1.0",
    configuration: { name: "trestle", type: "trestle-cni" },
    attachment: attachmentOf(sandbox),
    netns,
    args: { K8S_POD_NAMESPACE: pod.namespace, K8S_POD_NAME: pod.name, K8S_POD_UID: pod.uid },
  };
}

export function sandboxOf(): string {
  return `sandbox-${randomBytes(4).toString("hex")}`;
}
