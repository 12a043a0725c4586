import { MeshError } from "../platform/errors.ts";
import { layoutOf } from "./layout.ts";
import { awaitBlocks } from "./mesh-up.ts";
import { requireNode, requireSite } from "./place.ts";
import { claimPod, makePod, removePod } from "./pods.ts";
import type { PodRequest } from "./pods.ts";
import { stateOf } from "./state.ts";
import type { Lab, PodState } from "./state.ts";

/**
 * Adds a pod to a running lab, on the cluster's first node unless told another. A pod that is there already, on that
 * node, is left as it is.
 * @throws MeshError `no-cluster`, `no-node`, `pod-there`, `block-full`
 */
export async function addPod(
  lab: Lab,
  request: Omit<PodRequest, "node">,
  wanted: string | undefined,
  signal: AbortSignal,
): Promise<PodState> {
  const layout = layoutOf(lab.name, stateOf(lab).file);
  const { cluster, name } = request;
  const { nodes, families } = requireSite(layout, cluster);
  const node = wanted ?? nodes[0]?.name ?? "";
  requireNode(layout, cluster, node);
  const blocks = await awaitBlocks(lab, { name: cluster, families }, [node], signal);
  const isNew = !stateOf(lab).pods.some((pod) => pod.cluster === cluster && pod.name === name);
  const pod = await claimPod(lab, { ...request, node }, blocks.get(node) ?? []);
  if (pod.node !== node) {
    throw new MeshError(
      "pod-there",
      `${cluster}/${name} is there already, on ${pod.node}; trestle lab pod remove ${cluster}/${name} first`,
      { retry: false },
    );
  }
  try {
    await makePod(lab, pod);
  } catch (error) {
    if (isNew) await removePod(lab, cluster, name, signal);
    throw error;
  }
  return pod;
}
