import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import type { OwnerReference } from "../../mesh/ipam/resources.ts";

/** The port to what a cluster knows of its pods, their namespaces and their controllers. */
export interface PodDirectory {
  /**
   * What is known of a pod; undefined: there is no such pod.
   * @param uid of the pod that is meant: one of the same name that was seen earlier is not it
   * @throws MeshError `pod-unknown` (retry) when what was seen last does not have it and the store does not answer
   */
  find(namespace: string, name: string, uid?: string): Promise<PodFacts | undefined>;
  /**
   * False once the controller was deleted, or another of its name with another uid took its place; undefined while nobody
   * can tell.
   */
  ownerExists(namespace: string, owner: OwnerReference): Promise<boolean | undefined>;
}
