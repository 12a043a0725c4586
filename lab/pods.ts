import { MeshError } from "../platform/errors.ts";
import { changePods } from "./change-pods.ts";
import { layoutOf, ROUTER_PLACE } from "./layout.ts";
import { requireNode, requireSite } from "./place.ts";
import type { PodWish } from "./pod-objects.ts";
import { findPod, recordPods } from "./pod-records.ts";
import { startPods } from "./start-pods.ts";
import type { StartFailure } from "./start-pods.ts";
import { stateOf } from "./state.ts";
import type { Lab, LabState, PodState } from "./state.ts";

/**
 * Sees to it that pods of one cluster are known there, recorded, and run. A pod of the lab that is on that node already
 * is left as it is, and started again where it lost its namespace.
 * @returns those that could not be started; the others run
 * @throws MeshError `no-cluster`, `no-node`, `place-taken`, `pod-there`, `pods-unwritten`: then nothing was started
 */
export async function providePods(
  lab: Lab,
  cluster: string,
  wishes: readonly PodWish[],
  signal: AbortSignal,
): Promise<StartFailure[]> {
  const state = stateOf(lab);
  const known = wishes.map((wish) => {
    const present = findPod(state.pods, cluster, wish.name);
    requireRoom(lab, state, { ...wish, cluster }, present);
    // Annotations of the namespace are for pods to come, too.
    const { namespaceAnnotations } = wish;
    return present === undefined ? wish : { ...wishOf(present), ...(namespaceAnnotations && { namespaceAnnotations }) };
  });
  const uids = await changePods(lab, cluster, { put: known }, signal);
  const pods = known.map((wish, at) => ({ ...wishOf(wish), cluster, uid: uids[at] ?? "" }));
  return startPods(lab, await recordPods(lab, pods), signal);
}

/** What is recorded of a wish, and can be wished for again. */
export function wishOf({ namespace, name, node, owner, annotations }: PodWish): PodWish {
  return { namespace, name, node, annotations, ...(owner && { owner }) };
}

function requireRoom(
  lab: Lab,
  { file }: LabState,
  { cluster, name, node }: PodWish & { readonly cluster: string },
  present: PodState | undefined,
): void {
  const layout = layoutOf(lab.name, file);
  requireNode(layout, cluster, node);
  const place = `${cluster}/${name}`;
  const isNode = requireSite(layout, cluster).nodes.some((other) => other.name === name);
  if (isNode || name === ROUTER_PLACE) {
    const what = isNode ? "a node" : "the site's router";
    throw new MeshError("place-taken", `${place} is ${what}; choose another name for the pod`, { retry: false });
  }
  if (present === undefined || present.node === node) return;
  const message = `${place} is there already, on ${present.node}; trestle lab pod remove ${place} first`;
  throw new MeshError("pod-there", message, { retry: false });
}
