import type { Subnet } from "../../mesh/ipam/resources.ts";
import { MeshError } from "../../platform/errors.ts";

/** What the LAN is asked before a pod is given an address of it. */
export interface LanProbes {
  /** MAC address of whoever has an underlay address already, as the LAN says. */
  readonly probe: (address: string) => Promise<string | undefined>;
  /** Whether a Subnet's gateway answers on the LAN. */
  readonly reaches: (gateway: string) => Promise<boolean>;
}

/** @throws MeshError `address-on-lan` when somebody has the address, `gateway-silent` (retry) where that is to be checked */
export async function requireUnused(
  { probe, reaches }: LanProbes,
  address: string,
  { metadata: { name }, spec: { checkGateway, gateway } }: Subnet,
): Promise<void> {
  const mac = await probe(address);
  if (mac !== undefined) {
    const message = `${address} of Subnet "${name}" is used on the LAN by ${mac}; free it there, or exclude it (if it is kept for a pod, after "trestle ip delete ${address}")`;
    throw new MeshError("address-on-lan", message, { retry: false });
  }
  if (checkGateway !== true || gateway === undefined || (await reaches(gateway))) return;
  const message = `gateway ${gateway} of Subnet "${name}" does not answer on the LAN; mend it, or set checkGateway to false`;
  throw new MeshError("gateway-silent", message, { retry: true });
}
