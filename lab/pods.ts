import { familyOf } from "../mesh/cidr.ts";
import { runner } from "../platform/run.ts";
import { MeshError } from "../platform/errors.ts";
import { POD_MTU_OVERHEAD, podAlias, podDevice, unwirePod, wirePod } from "../tunnel/pod-link.ts";
import { allocate } from "./allocation.ts";
import { layoutOf, podNetns, ROUTER_PLACE } from "./layout.ts";
import { listNetns, netnsInode, netnsPath } from "./netns.ts";
import { onNode, requireNode, requireSite } from "./place.ts";
import { killAll, processesIn } from "./process.ts";
import { stateOf, updateState } from "./state.ts";
import type { Lab, PodState } from "./state.ts";
import { ownerMark } from "./topology.ts";

/** A pod as it is asked for; its address comes from its node's blocks. */
export type PodRequest = Omit<PodState, "addresses">;

const host = runner();

/**
 * Gives a pod its addresses, one of each family its node has a block of, and writes both down: an address is claimed
 * before it is used. A pod that is recorded already keeps what it has.
 * @throws MeshError `place-taken`, `no-node`, `block-full`
 */
export async function claimPod(lab: Lab, request: PodRequest, blocks: readonly string[]): Promise<PodState> {
  const { cluster, name } = request;
  const state = await updateState(lab, (present) => {
    if (findPod(present.pods, cluster, name) !== undefined) return present;
    const { nodes } = requireSite(layoutOf(lab.name, present.file), cluster);
    if (name === ROUTER_PLACE || nodes.some((node) => node.name === name)) {
      const what = name === ROUTER_PLACE ? "the site's router" : "a node";
      throw new MeshError("place-taken", `${cluster}/${name} is ${what}; choose another name for the pod`, {
        retry: false,
      });
    }
    const taken = present.pods.filter((pod) => pod.cluster === cluster).flatMap(({ addresses }) => addresses);
    const addresses = allocate(blocks, taken);
    return { ...present, pods: [...present.pods, { ...request, addresses }] };
  });
  return requirePod(state.pods, cluster, name);
}

/** Makes a recorded pod's namespace and its wire, unless they are there. What can't be made whole is taken away. */
export async function makePod(lab: Lab, pod: PodState): Promise<void> {
  const netns = podNetns(lab.name, pod.cluster, pod.name);
  if (listNetns().includes(netns)) {
    if (await isWired(netns, pod)) return;
    await host("ip", ["netns", "delete", netns]);
  }
  const state = stateOf(lab);
  const layout = layoutOf(lab.name, state.file);
  const node = onNode(state, requireNode(layout, pod.cluster, pod.node));
  await host("ip", ["netns", "add", netns]);
  try {
    await host("ip", ["-n", netns, "link", "set", "lo", "alias", ownerMark(lab.name)]);
    const mtu = requireSite(layout, pod.cluster).mtu - POD_MTU_OVERHEAD;
    await wirePod(node.run, {
      device: podDevice(netns),
      alias: podAlias({ sandbox: netns, interface: "eth0" }),
      netns: netnsPath(netns),
      interface: "eth0",
      addresses: pod.addresses,
      mtu,
    });
  } catch (error) {
    await host("ip", ["netns", "delete", netns]);
    throw error;
  }
}

/** Takes a pod away: its processes, its wire, its namespace, its addresses. @throws MeshError `no-pod` */
export async function removePod(lab: Lab, cluster: string, name: string, signal: AbortSignal): Promise<void> {
  const state = stateOf(lab);
  const pod = requirePod(state.pods, cluster, name);
  const netns = podNetns(lab.name, cluster, name);
  const inode = netnsInode(netns);
  if (inode !== undefined) {
    await killAll(processesIn(new Set([inode])), lab.clock, signal);
    const node = onNode(state, requireNode(layoutOf(lab.name, state.file), cluster, pod.node));
    await unwirePod(node.run, podDevice(netns));
    await host("ip", ["netns", "delete", netns]);
  }
  await updateState(lab, (present) => ({
    ...present,
    pods: present.pods.filter((other) => other.cluster !== cluster || other.name !== name),
  }));
}

/** Default routes are the last thing a pod gets: if one lacks, whoever made the pod was stopped half-way. */
async function isWired(netns: string, { addresses }: PodState): Promise<boolean> {
  const routes = addresses.map((address) =>
    host("ip", [familyOf(address) === 6 ? "-6" : "-4", "-n", netns, "route", "show", "default"]),
  );
  return (await Promise.all(routes)).every((shown) => shown.trim() !== "");
}

function findPod(pods: readonly PodState[], cluster: string, name: string): PodState | undefined {
  return pods.find((pod) => pod.cluster === cluster && pod.name === name);
}

function requirePod(pods: readonly PodState[], cluster: string, name: string): PodState {
  const pod = findPod(pods, cluster, name);
  if (pod !== undefined) return pod;
  const known = pods.map((other) => `${other.cluster}/${other.name}`).join(", ");
  throw new MeshError("no-pod", `there is no pod ${cluster}/${name}; there are ${known || "none"}`, { retry: false });
}
