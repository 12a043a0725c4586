import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import type { Choice, FamilyChoice } from "../../mesh/ipam/choice.ts";
import type { Attachment, PodReference, Subnet } from "../../mesh/ipam/resources.ts";
import { MeshError } from "../../platform/errors.ts";
import type { Binding } from "./binding.ts";

/** What is known of a pod. */
export interface AskedFacts extends PodFacts {
  /** It has addresses, so what it wishes for was not asked. */
  readonly isPartial?: true;
  /** Name of the network configuration that the runtime asks by. */
  readonly list?: string | undefined;
}

/** Who asks for addresses, and what is said when there is none. */
export interface Asked {
  readonly facts: AskedFacts;
  readonly attachment: Attachment;
}

/** What is written down of an address that is given to who asks. */
export function bindingFor(
  { facts, attachment }: Asked,
  address: string,
  subnet: Subnet,
  { network, retain }: Choice,
  { claimed }: Pick<Binding, "claimed">,
): Binding {
  const { pod, owner, list } = facts;
  const of = { subnet: subnet.metadata.name, network: network.metadata.name, type: network.spec.type };
  return { address, ...of, pod, owner, attachment, retained: retain, claimed, list };
}

/** Which family there is nothing of; what was claimed of the other is given back. */
export function exhausted({ facts }: Asked, { family, subnets }: FamilyChoice, { network }: Choice): MeshError {
  const names = subnets.map(({ metadata }) => metadata.name).join(", ");
  const message = `no IPv${family} address is left for pod ${facts.pod.namespace}/${facts.pod.name} in Network "${network.metadata.name}" (${subnets.length === 1 ? "Subnet" : "Subnets"} ${names}); add a Subnet, or delete pods`;
  return new MeshError("addresses-exhausted", message, { retry: true });
}

/** @param whose absent: nobody knows */
export function addressInUse(address: string, whose: PodReference | undefined): MeshError {
  const pod = whose === undefined ? "another pod" : `pod ${whose.namespace}/${whose.name}`;
  return new MeshError("address-in-use", `${address} is of ${pod}; ask for another, or wait until that is gone`, {
    retry: true,
  });
}

/** What a pod has to wait for that comes back while another asks for its address by name, and will not get it. */
export function keptIsBusy(address: string): MeshError {
  const message = `${address}, which is kept for it, is being asked for by another pod; it is to ask again`;
  return new MeshError("kept-address-busy", message, { retry: true });
}
