import { MeshError, messageOf } from "../platform/errors.ts";
import { runner } from "../platform/run.ts";
import { changePods } from "./change-pods.ts";
import { readConflist } from "./conflist.ts";
import { podNetns } from "./layout.ts";
import { netnsInode } from "./netns.ts";
import { hostsOf } from "./node-runtime.ts";
import type { PodHost } from "./node-runtime.ts";
import { eachSettled } from "./parallel.ts";
import { forgetPods, requirePod } from "./pod-records.ts";
import { killAll, processesIn } from "./process.ts";
import { deletePodNetwork } from "./runtime.ts";
import { PODS_AT_ONCE, sandboxOf } from "./start-pods.ts";
import { stateOf } from "./state.ts";
import type { Lab, PodState } from "./state.ts";

export interface Removal {
  /** What the pods were part of is deleted, too, and with it what is kept for its pods to come. */
  readonly withOwner: boolean;
  /** Take the pods away although their network can't be given back, or their cluster's store does not answer. */
  readonly force: boolean;
}

const host = runner();

/**
 * Takes pods of one cluster away: their processes, their networks, their namespaces, and what the cluster knows of them.
 * @returns what could not be done and was not insisted on, a sentence each
 * @throws MeshError `no-pod`, `agent-down`, `pods-unwritten`, those of {@link deletePodNetwork}; pods that went are gone
 */
export async function removePods(
  lab: Lab,
  cluster: string,
  names: readonly string[],
  { withOwner, force }: Removal,
  signal: AbortSignal,
): Promise<string[]> {
  const state = stateOf(lab);
  const pods = names.map((name) => requirePod(state.pods, cluster, name));
  const hostOf = hostsOf(lab);
  const inodes = new Set(pods.flatMap(({ name }) => netnsInode(podNetns(lab.name, cluster, name)) ?? []));
  await killAll(processesIn(inodes), lab.clock, signal);
  const undone: string[] = [];
  const orForce = async (act: () => Promise<unknown>): Promise<void> => {
    try {
      await act();
    } catch (error) {
      if (!force) throw error;
      undone.push(messageOf(error));
    }
  };
  const results = await eachSettled(pods, PODS_AT_ONCE, async (pod) => {
    await orForce(() => giveNetworkBack(lab, pod, hostOf(pod), signal));
    const netns = podNetns(lab.name, cluster, pod.name);
    if (netnsInode(netns) !== undefined) await host("ip", ["netns", "delete", netns]);
  });
  const gone = pods.filter((_, at) => results[at]?.status === "fulfilled");
  if (gone.length > 0) {
    const known = gone.map(({ namespace, name, owner }) => ({ namespace, name, ...(owner && { owner }) }));
    await orForce(() => changePods(lab, cluster, { delete: known, withOwners: withOwner }, signal));
    await forgetPods(lab, gone);
  }
  for (const result of results) if (result.status === "rejected") throw result.reason;
  return undone;
}

async function giveNetworkBack(
  lab: Lab,
  pod: PodState,
  { runtime, agentRuns }: PodHost,
  signal: AbortSignal,
): Promise<void> {
  // Without a conflist nobody was given a network, or the agent left the mesh and took them all away.
  if (pod.sandbox === undefined || readConflist(runtime.confDir) === undefined) return;
  const [agent, place] = [`agent:${pod.cluster}/${pod.node}`, `${pod.cluster}/${pod.name}`];
  // The plugin would find out by itself, after asking for a long time.
  if (!agentRuns()) {
    const message = `${agent} does not run, so that the network of ${place} can't be given back; trestle lab mend ${agent}, or take the pod away without that: trestle lab pod remove ${place} --force`;
    throw new MeshError("agent-down", message, { retry: false });
  }
  try {
    await deletePodNetwork(runtime, sandboxOf(lab, pod), signal);
  } catch (error) {
    if (!(error instanceof MeshError) || error.code === "aborted") throw error;
    const message = `${error.message}; trestle lab pod remove ${place} --force takes the pod away all the same`;
    throw new MeshError(error.code, message, { retry: error.retry, cause: error });
  }
}
