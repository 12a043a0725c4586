import { z } from "zod";
import { namespaceKind } from "../crds/namespace.ts";
import { podKind } from "../crds/pod.ts";
import { workloadKind } from "../crds/workload.ts";
import type { Pod, PodSpec, WorkloadSpec } from "../mesh/ipam/pods.ts";
import { objectNameOfPod, objectNameOfWorkload } from "../mesh/ipam/pods.ts";
import type { OwnerReference } from "../mesh/ipam/resources.ts";
import { deleteIfThere, retryOnConflict } from "../platform/store/amend.ts";
import type { ResourceStore } from "../platform/store/port.ts";
import { eachSettled } from "./parallel.ts";

/** What Kubernetes would know of a lab's pods before they start: Namespaces, Workloads and Pods in the cluster's store. */

const words = z.record(z.string(), z.string());

/** A pod that shall be known. */
export const podWish = z.object({
  namespace: z.string(),
  name: z.string(),
  node: z.string(),
  owner: z.object({ kind: z.string(), name: z.string() }).optional(),
  annotations: words,
  /** Added to what its namespace has. */
  namespaceAnnotations: words.optional(),
});
export type PodWish = z.infer<typeof podWish>;

const podName = podWish.pick({ namespace: true, name: true, owner: true });

/** What is to become of a cluster's pods, as the program that does it is told. */
export const podChange = z.object({
  /** Access file of the cluster's store. */
  store: z.string(),
  put: z.array(podWish).default([]),
  delete: z.array(podName).default([]),
  /** Delete the owners of those pods, too. */
  withOwners: z.boolean().default(false),
});
export type PodChange = z.input<typeof podChange>;

/** Calls to the store under way at once. */
const AT_ONCE = 16;

/**
 * Makes pods known, with their namespaces and owners where those are not known yet. A pod that is there keeps its uid; one
 * of that name that is on another node, or of another owner, was an earlier pod: it makes room.
 * @returns their uids, in their order
 */
export async function putPods(store: ResourceStore, wishes: readonly PodWish[]): Promise<string[]> {
  for (const namespace of new Set(wishes.map((wish) => wish.namespace))) {
    const annotations = wishes
      .filter((wish) => wish.namespace === namespace)
      .reduce<Readonly<Record<string, string>>>((all, wish) => ({ ...all, ...wish.namespaceAnnotations }), {});
    await putNamespace(store, namespace, annotations);
  }
  const uids = new Map<string, string>();
  for (const [name, spec] of workloadsOf(wishes)) uids.set(name, await putWorkload(store, name, spec));
  return all(wishes, ({ owner, ...wish }) => {
    const uid = owner && uids.get(objectNameOfWorkload({ ...owner, namespace: wish.namespace }));
    return putPod(store, wish, owner && { ...owner, uid: uid ?? "" });
  });
}

/** Makes pods unknown, as far as they are known; their owners stay unless told. */
export async function deletePods(
  store: ResourceStore,
  pods: readonly z.infer<typeof podName>[],
  { withOwners }: { readonly withOwners: boolean },
): Promise<void> {
  await all(pods, (pod) => deleteIfThere(store, podKind, objectNameOfPod(pod)));
  for (const name of withOwners ? workloadsOf(pods).keys() : []) await deleteIfThere(store, workloadKind, name);
}

/** What the pods are part of, by the names of the objects. */
function workloadsOf(pods: readonly Pick<PodWish, "namespace" | "owner">[]): Map<string, WorkloadSpec> {
  const specs = pods.flatMap(({ namespace, owner }) => (owner === undefined ? [] : [{ ...owner, namespace }]));
  return new Map(specs.map((spec) => [objectNameOfWorkload(spec), spec]));
}

async function putNamespace(
  store: ResourceStore,
  name: string,
  annotations: Readonly<Record<string, string>>,
): Promise<void> {
  await retryOnConflict(async () => {
    const present = await store.get(namespaceKind, name);
    if (present === undefined) return store.create(namespaceKind, { metadata: { name, annotations }, spec: {} });
    const { metadata } = present;
    const more = { ...metadata, annotations: { ...metadata.annotations, ...annotations } };
    return store.update(namespaceKind, { ...present, metadata: more });
  });
}

/** @returns its uid */
async function putWorkload(store: ResourceStore, name: string, spec: WorkloadSpec): Promise<string> {
  const { metadata } = await retryOnConflict(
    async () => (await store.get(workloadKind, name)) ?? store.create(workloadKind, { metadata: { name }, spec }),
  );
  return metadata.uid;
}

/** @returns its uid */
async function putPod(
  store: ResourceStore,
  { namespace, name, node, annotations }: PodWish,
  owner: OwnerReference | undefined,
): Promise<string> {
  const spec: PodSpec = { namespace, name, node, ...(owner && { owner }) };
  const metadata = { name: objectNameOfPod(spec), annotations };
  const { metadata: put } = await retryOnConflict(async () => {
    const present = await store.get(podKind, metadata.name);
    if (present !== undefined && isSamePod(present, spec)) {
      return store.update(podKind, { ...present, metadata: { ...present.metadata, annotations } });
    }
    if (present !== undefined) await deleteIfThere(store, podKind, metadata.name);
    return store.create(podKind, { metadata, spec });
  });
  return put.uid;
}

function isSamePod({ spec }: Pod, { node, owner }: PodSpec): boolean {
  return spec.node === node && spec.owner?.uid === owner?.uid;
}

async function all<T, R>(items: readonly T[], action: (item: T) => Promise<R>): Promise<R[]> {
  const results = await eachSettled(items, AT_ONCE, action);
  return results.map((result) => {
    if (result.status === "rejected") throw result.reason;
    return result.value;
  });
}
