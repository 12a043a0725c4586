import { MeshError } from "../platform/errors.ts";
import { updateState } from "./state.ts";
import type { Lab, PodState } from "./state.ts";

/** What is written down of a lab's pods. */

export function findPod(pods: readonly PodState[], cluster: string, name: string): PodState | undefined {
  return pods.find((pod) => pod.cluster === cluster && pod.name === name);
}

/** @throws MeshError `no-pod` that says which there are */
export function requirePod(pods: readonly PodState[], cluster: string, name: string): PodState {
  const pod = findPod(pods, cluster, name);
  if (pod !== undefined) return pod;
  const known = pods.map((other) => `${other.cluster}/${other.name}`).join(", ");
  throw new MeshError("no-pod", `there is no pod ${cluster}/${name}; there are ${known || "none"}`, { retry: false });
}

/**
 * Writes pods of one cluster down, new ones last; of those that are recorded already it changes what is given.
 * @returns them, in their order
 */
export async function recordPods(
  lab: Lab,
  pods: readonly Omit<PodState, "sandbox" | "addresses">[],
): Promise<PodState[]> {
  const { pods: recorded } = await updateState(lab, (state) => {
    const asked = new Map(pods.map((pod) => [`${pod.cluster}/${pod.name}`, pod]));
    const kept = state.pods.map((present) => ({ ...present, ...asked.get(`${present.cluster}/${present.name}`) }));
    const fresh = pods.filter(({ cluster, name }) => findPod(state.pods, cluster, name) === undefined);
    return { ...state, pods: [...kept, ...fresh.map((pod) => ({ ...pod, addresses: [] }))] };
  });
  return pods.flatMap(({ cluster, name }) => findPod(recorded, cluster, name) ?? []);
}

/** Notes what became of recorded pods; one that was removed meanwhile is not recorded again. */
export async function notePods(lab: Lab, pods: readonly PodState[]): Promise<void> {
  if (pods.length === 0) return;
  await updateState(lab, (state) => ({
    ...state,
    pods: state.pods.map((present) => findPod(pods, present.cluster, present.name) ?? present),
  }));
}

export async function forgetPods(lab: Lab, pods: readonly Pick<PodState, "cluster" | "name">[]): Promise<void> {
  await updateState(lab, (state) => ({
    ...state,
    pods: state.pods.filter(
      ({ cluster, name }) => !pods.some((gone) => gone.cluster === cluster && gone.name === name),
    ),
  }));
}
