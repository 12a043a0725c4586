import { MeshError, messageOf } from "../platform/errors.ts";
import { layoutOf } from "./layout.ts";
import { awaitNetworks } from "./node-runtime.ts";
import { requireNode, requireSite } from "./place.ts";
import type { PodWish } from "./pod-objects.ts";
import { findPod, requirePod } from "./pod-records.ts";
import { providePods } from "./pods.ts";
import { removePods } from "./remove-pods.ts";
import { requireSamePod } from "./same-pod.ts";
import { stateOf } from "./state.ts";
import type { Lab, PodState } from "./state.ts";

/** A pod as somebody asks for it: on the cluster's first node unless told. */
export type PodRequest = Omit<PodWish, "node"> & Partial<Pick<PodWish, "node">>;

/** Milliseconds for taking away what could not be started. */
const UNDO_LIMIT_MS = 10_000;

/**
 * Adds pods to one cluster of a running lab, all at once. A pod that is there already, just like that, is left as it is.
 * One that can't be started is taken away again, the others stay.
 * @throws MeshError `pod-there`, those of {@link awaitNetworks} and {@link providePods}, and whatever kept the first pod
 * from starting
 */
export async function addPods(
  lab: Lab,
  cluster: string,
  requests: readonly PodRequest[],
  signal: AbortSignal,
): Promise<PodState[]> {
  const { file, pods: before } = stateOf(lab);
  const layout = layoutOf(lab.name, file);
  const [first] = requireSite(layout, cluster).nodes;
  const wishes = requests.map((request) => ({ node: first?.name ?? "", ...request }));
  for (const wish of wishes) {
    const present = findPod(before, cluster, wish.name);
    if (present !== undefined) requireSamePod(present, wish);
  }
  const nodes = new Set(wishes.map(({ node }) => node));
  await awaitNetworks(
    lab,
    [...nodes].map((node) => requireNode(layout, cluster, node)),
    signal,
  );
  const failures = await providePods(lab, cluster, wishes, signal);
  const [failed, ...more] = failures;
  if (failed !== undefined) {
    const added = failures.map(({ pod }) => pod.name).filter((name) => findPod(before, cluster, name) === undefined);
    // Also after an interruption: nobody else would take away what is half there.
    await removePods(lab, cluster, added, { withOwner: false, force: true }, AbortSignal.timeout(UNDO_LIMIT_MS));
    if (more.length === 0 || !(failed.error instanceof MeshError)) throw failed.error;
    const message = `${failures.length} of ${wishes.length} pods could not be started; the first, ${cluster}/${failed.pod.name}: ${messageOf(failed.error)}`;
    throw new MeshError(failed.error.code, message, { retry: failed.error.retry, cause: failed.error });
  }
  const { pods } = stateOf(lab);
  return wishes.map(({ name }) => requirePod(pods, cluster, name));
}
