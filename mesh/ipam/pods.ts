import { fault, givenNameFaults, nameFaults, nodeNameFaults } from "../field-checks.ts";
import type { Refusal } from "../refusal.ts";
import type { Resource } from "../resources.ts";
import type { OwnerReference } from "./resources.ts";

/**
 * What a cluster's own store knows of pods where there is no Kubernetes to ask: three kinds, embedded members alone.
 * Objects of ours are cluster-scoped, so those of a namespace have it in their name.
 */

/** A pod that shall run; its uid is its object's, its annotations are its object's. Named by {@link objectNameOfPod}. */
export interface PodSpec {
  readonly namespace: string;
  readonly name: string;
  readonly node: string;
  /** Its controller; absent for a pod by itself. */
  readonly owner?: OwnerReference | undefined;
}

/** Something that makes pods. Its uid is its object's; named by {@link objectNameOfWorkload}. */
export interface WorkloadSpec {
  /** E.g. StatefulSet. */
  readonly kind: string;
  readonly namespace: string;
  readonly name: string;
}

type None = Readonly<Record<string, never>>;

export type Pod = Resource<"Pod", PodSpec, None>;
/** Holds annotations for all its pods. */
export type Namespace = Resource<"Namespace", None, None>;
/** While it is there its pods may come back; deleting it is what lets their addresses go. */
export type Workload = Resource<"Workload", WorkloadSpec, None>;

/** `shop.web-0`: a namespace has no dots, so the first one ends it. */
export function objectNameOfPod({ namespace, name }: Pick<PodSpec, "namespace" | "name">): string {
  return `${namespace}.${name}`;
}

/** `statefulset.shop.web` */
export function objectNameOfWorkload({ kind, namespace, name }: WorkloadSpec): string {
  return `${kind.toLowerCase()}.${namespace}.${name}`;
}

export function podRefusals(objectName: string, spec: PodSpec): Refusal[] {
  const { node, owner } = spec;
  return [
    ...placeRefusals(spec),
    ...nodeNameFaults("spec.node", node),
    ...(owner === undefined ? [] : ownerRefusals(owner)),
    ...givenNameFaults(objectName, objectNameOfPod(spec)),
  ];
}

export function namespaceRefusals(objectName: string): Refusal[] {
  return nameFaults("metadata.name", objectName);
}

export function workloadRefusals(objectName: string, spec: WorkloadSpec): Refusal[] {
  return [
    ...kindFaults("spec.kind", spec.kind),
    ...placeRefusals(spec),
    ...givenNameFaults(objectName, objectNameOfWorkload(spec)),
  ];
}

/** Pods and their controllers may have dots in their names, namespaces may not. */
function placeRefusals({ namespace, name }: Pick<PodSpec, "namespace" | "name">): Refusal[] {
  return [...nameFaults("spec.namespace", namespace), ...nodeNameFaults("spec.name", name)];
}

function ownerRefusals({ kind, name, uid }: OwnerReference): Refusal[] {
  return [
    ...kindFaults("spec.owner.kind", kind),
    ...nodeNameFaults("spec.owner.name", name),
    ...(uid === ""
      ? fault("spec.owner.uid", "bad-spec", "is empty; it tells an owner from a later one of its name")
      : []),
  ];
}

function kindFaults(path: string, kind: string): Refusal[] {
  return /^[A-Z][A-Za-z0-9]{0,62}$/.test(kind)
    ? []
    : fault(path, "bad-name", `${JSON.stringify(kind)} is not a kind, such as StatefulSet`);
}
