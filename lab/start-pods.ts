import { randomBytes } from "node:crypto";
import { familyOf } from "../mesh/cidr.ts";
import { MeshError } from "../platform/errors.ts";
import { runner } from "../platform/run.ts";
import { podNetns } from "./layout.ts";
import { listNetns, netnsPath } from "./netns.ts";
import { hostsOf } from "./node-runtime.ts";
import { eachSettled } from "./parallel.ts";
import { addPodNetwork, deletePodNetwork } from "./runtime.ts";
import type { Runtime, Sandbox } from "./runtime.ts";
import { notePods } from "./pod-records.ts";
import type { Lab, PodState } from "./state.ts";
import { ownerMark } from "./topology.ts";

/** A pod that could not be started, and why. */
export interface StartFailure {
  readonly pod: PodState;
  readonly error: unknown;
}

/** Pods of a lab that are started, or taken away, at once. */
export const PODS_AT_ONCE = 32;

const host = runner();

/**
 * Starts recorded pods, unless they run: a sandbox each, which is a network namespace with a network from the node's
 * plugin. A pod that lost its namespace gets a new sandbox, as the kubelet would make, and the old one's network is taken
 * away after that. One that fails stops none of the others.
 * @returns the pods that were not started
 */
export async function startPods(lab: Lab, pods: readonly PodState[], signal: AbortSignal): Promise<StartFailure[]> {
  const present = new Set(listNetns());
  const running = await eachSettled(pods, PODS_AT_ONCE, (pod) => isRunning(lab, pod, present));
  const lacking = pods.filter((_, at) => running[at]?.status !== "fulfilled" || !running[at].value);
  // Known before it is made: whoever goes on after this command was killed takes it away.
  const renewed = lacking.map((pod) => ({ ...pod, sandbox: randomBytes(32).toString("hex"), addresses: [] }));
  await notePods(lab, renewed);
  const hostOf = hostsOf(lab);
  const results = await eachSettled(renewed, PODS_AT_ONCE, async (pod) => {
    if (signal.aborted) throw new MeshError("aborted", "stopped", { retry: false });
    return { ...pod, addresses: await makeSandbox(lab, hostOf(pod).runtime, pod, present, signal) };
  });
  await notePods(
    lab,
    results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : [])),
  );
  const old = lacking.filter((pod, at) => pod.sandbox !== undefined && results[at]?.status === "fulfilled");
  const deleted = await eachSettled(old, PODS_AT_ONCE, async (pod) =>
    deletePodNetwork(hostOf(pod).runtime, sandboxOf(lab, pod), signal),
  );
  return [...failuresAmong(renewed, results), ...failuresAmong(old, deleted)];
}

/** What a recorded pod's network hangs on. */
export function sandboxOf(lab: Lab, { cluster, name, namespace, uid, sandbox }: PodState): Sandbox {
  return { id: sandbox ?? "", netns: netnsPath(podNetns(lab.name, cluster, name)), pod: { namespace, name, uid } };
}

/** @returns its addresses */
async function makeSandbox(
  lab: Lab,
  runtime: Runtime,
  pod: PodState,
  present: ReadonlySet<string>,
  signal: AbortSignal,
): Promise<string[]> {
  const netns = podNetns(lab.name, pod.cluster, pod.name);
  if (present.has(netns)) await host("ip", ["netns", "delete", netns]);
  await host("ip", ["netns", "add", netns]);
  try {
    await host("ip", ["-n", netns, "link", "set", "lo", "alias", ownerMark(lab.name)]);
    return await addPodNetwork(runtime, sandboxOf(lab, pod), signal);
  } catch (error) {
    await host("ip", ["netns", "delete", netns]);
    throw error;
  }
}

/** Default routes are the last thing a pod gets: if one lacks, whoever made the pod was stopped half-way. */
async function isRunning(
  lab: Lab,
  { cluster, name, addresses }: PodState,
  present: ReadonlySet<string>,
): Promise<boolean> {
  const netns = podNetns(lab.name, cluster, name);
  if (!present.has(netns) || addresses.length === 0) return false;
  const routes = addresses.map((address) =>
    host("ip", [familyOf(address) === 6 ? "-6" : "-4", "-n", netns, "route", "show", "default"]),
  );
  return (await Promise.all(routes)).every((shown) => shown.trim() !== "");
}

function failuresAmong(pods: readonly PodState[], results: readonly PromiseSettledResult<unknown>[]): StartFailure[] {
  return pods.flatMap((pod, at) => {
    const result = results[at];
    return result?.status === "rejected" ? [{ pod, error: result.reason as unknown }] : [];
  });
}
