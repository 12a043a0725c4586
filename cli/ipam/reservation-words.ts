import type { Reservation } from "../../mesh/ipam/reservation.ts";
import { readName, readNodeName } from "../../mesh/names.ts";
import { readAddress } from "../../mesh/typed-cidr.ts";
import type { WordFault } from "../faults.ts";

/** What `ip create` was told, and every fault of it; with faults it is not to be written. */
export function readReservation(
  address: string,
  pod: string,
): { readonly wanted: Reservation; readonly faults: readonly WordFault[] } {
  const read = readAddress(address);
  const [namespace = "", ...rest] = pod.split("/");
  const name = rest.join("/");
  // A pod's name may have dots in it, as a node's may; a namespace's may not.
  const isPod = readName(namespace).refusal === undefined && readNodeName(name).refusal === undefined;
  const badPod = {
    code: "bad-name",
    message: `--pod: ${JSON.stringify(pod)} is not NAMESPACE/NAME of a pod, such as shop/web-0`,
  };
  return {
    wanted: { address: read.value ?? address, pod: { namespace, name } },
    faults: [...(read.refusal === undefined ? [] : [read.refusal]), ...(isPod ? [] : [badPod])],
  };
}
