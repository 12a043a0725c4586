import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { FamilyChoice } from "../../mesh/ipam/choice.ts";
import { ownOfNode } from "../../mesh/ipam/node-addresses.ts";
import type { Subnet } from "../../mesh/ipam/resources.ts";
import { MeshError } from "../../platform/errors.ts";
import { keptIsBusy } from "./asked.ts";
import type { Asked } from "./asked.ts";
import { isOfAnotherInterface } from "./in-store.ts";
import type { AddressStock } from "./stock.ts";

/** An address that the store keeps for a pod, and the Subnet of the pod's choice that it is of. */
export interface Kept {
  readonly address: string;
  readonly subnet: Subnet;
}

/**
 * What the store, as it was seen last, keeps for this pod, or for one that comes in its place; undefined where there is
 * nothing, or the pod keeps none.
 * @throws MeshError `excluded` when a node has the address by now, `kept-address-busy` (retry) when another is claiming it
 */
export function keptFor(
  { index, level, claiming }: AddressStock,
  { subnets, address }: FamilyChoice,
  { facts, attachment }: Asked,
): Kept | undefined {
  const { pod, owner, annotations, namespaceAnnotations } = facts;
  if ((annotations[ANNOTATIONS.retain] ?? namespaceAnnotations[ANNOTATIONS.retain]) === "false") return undefined;
  const subnetOf = (name: string): Subnet | undefined => subnets.find(({ metadata }) => metadata.name === name);
  const kept = index.keptFor(pod, owner, attachment.interface).find(({ spec }) => {
    const isAsked = address === undefined || address === spec.address;
    // Another interface of this very sandbox has its own.
    const isOthers = isOfAnotherInterface(spec.attachment, attachment);
    return isAsked && !isOthers && subnetOf(spec.subnet) !== undefined;
  });
  const subnet = kept && subnetOf(kept.spec.subnet);
  if (kept === undefined || subnet === undefined) return undefined;
  const { address: found } = kept.spec;
  const refusal = ownOfNode(found, level.nodeAddresses);
  if (refusal !== undefined) throw new MeshError(refusal.code, refusal.message, { retry: false });
  if (claiming.has(found)) throw keptIsBusy(found);
  return { address: found, subnet };
}
