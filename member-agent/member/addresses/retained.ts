import { ANNOTATIONS } from "../../../mesh/ipam/annotations.ts";
import type { PodFacts } from "../../../mesh/ipam/annotations.ts";
import type { IPInstance } from "../../../mesh/ipam/resources.ts";
import { hasCode } from "../../../platform/errors.ts";
import type { ResourceStore } from "../../../platform/store/port.ts";
import { dropInstance } from "../../ipam/claims.ts";
import type { PodDirectory } from "../../ipam/directory.ts";

/** What is known of whom an address is kept for; a part that nobody can tell is undefined. */
export interface Keeper {
  /** Undefined for an address of no controller, too. */
  readonly ownerExists: boolean | undefined;
  readonly pod: PodFacts | undefined;
}

/** Kept for a pod that does not run. */
function isIdle({ spec }: IPInstance): boolean {
  return spec.retained && spec.attachment === undefined;
}

/**
 * Pure: whether an idle address may go. While its set exists it stays, however few pods the set has now, unless the pod is
 * there and says that it does not want it. An address of a pod by itself was kept because somebody wrote so, and stays when
 * the pod goes: until `trestle ip delete`, or until the pod comes back and says otherwise. What nobody can tell stays.
 */
export function mayGo({ ownerExists, pod }: Keeper): boolean {
  const said = pod?.annotations[ANNOTATIONS.retain] ?? pod?.namespaceAnnotations[ANNOTATIONS.retain];
  return ownerExists === false || said === "false";
}

/** Frees addresses that are kept for nobody any more, with their blocks of one. One that was bound meanwhile stays. */
export async function releaseRetained(
  store: ResourceStore,
  directory: PodDirectory,
  instances: readonly IPInstance[],
): Promise<void> {
  for (const instance of instances.filter(isIdle)) {
    if (mayGo(await keeperOf(instance, directory))) await dropInstance(store, instance);
  }
}

async function keeperOf({ spec }: IPInstance, directory: PodDirectory): Promise<Keeper> {
  const { namespace, name } = spec.pod;
  const ownerExists = spec.owner && (await directory.ownerExists(namespace, spec.owner));
  const pod =
    ownerExists === false
      ? undefined
      : await directory.find(namespace, name).catch((error: unknown) => {
          if (!hasCode(error, "pod-unknown")) throw error;
          return undefined;
        });
  return { ownerExists, pod };
}
