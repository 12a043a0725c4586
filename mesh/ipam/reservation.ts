import { familyOf } from "../cidr.ts";
import type { Refusal } from "../refusal.ts";
import { disabledRefusal, unissuable } from "./choice.ts";
import { isKept, podText } from "./in-use.ts";
import { holds } from "./network-choice.ts";
import type { NodeAddresses } from "./node-addresses.ts";
import type { IPInstance, Network, PodReference, Subnet } from "./resources.ts";
import { formatSpan, spanOfSubnet } from "./span.ts";

/** Addresses that a person keeps for a pod to come. */

/** An address that is to be kept, in canonical text, and for whom. */
export interface Reservation {
  readonly address: string;
  readonly pod: Pick<PodReference, "namespace" | "name">;
}

/** What a reservation is held against. */
export interface ReservationPeers {
  readonly subnet: Subnet;
  /** The Subnet's. */
  readonly network: Network;
  /** All of the member. */
  readonly instances: readonly IPInstance[];
  /** Of every node of the member. */
  readonly nodeAddresses: NodeAddresses;
}

/** Why an address can't be kept for a pod: every reason at once. */
export function reservationRefusals(wanted: Reservation, peers: ReservationPeers): Refusal[] {
  const { subnet, instances } = peers;
  const place = placeRefusal(wanted.address, peers);
  const disabled = disabledRefusal(subnet);
  const other = instances.filter((each) => isOther(each, wanted)).map((each) => otherRefusal(each, wanted));
  return [place, disabled, ...other].filter((each) => each !== undefined);
}

function placeRefusal(address: string, { subnet, network, nodeAddresses }: ReservationPeers): Refusal | undefined {
  const { metadata, spec } = subnet;
  if (!holds(subnet, address)) {
    const range = formatSpan(spanOfSubnet(spec));
    return {
      code: "bad-address",
      message: `${address} does not lie in the range ${range} of Subnet "${metadata.name}"`,
    };
  }
  return unissuable(subnet, network, address, nodeAddresses);
}

function isOther({ spec }: IPInstance, { address, pod }: Reservation): boolean {
  const isItsPod = spec.pod.namespace === pod.namespace && spec.pod.name === pod.name;
  return spec.address === address || (isItsPod && spec.retained && familyOf(spec.address) === familyOf(address));
}

function otherRefusal(instance: IPInstance, { address, pod }: Reservation): Refusal {
  const { spec } = instance;
  return {
    code: "in-use",
    message:
      spec.address === address
        ? `${address} is ${isKept(instance) ? "kept for" : "in use by"} ${podText(spec.pod)}`
        : `${podText(pod)} has ${spec.address} for good already, and a pod has one address of a family; release that first`,
  };
}
