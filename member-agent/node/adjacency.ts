import type { Address, Cidr } from "../../mesh/cidr.ts";
import { addressInCidr, addressPart, parseInterfaceAddress } from "../../mesh/cidr.ts";
import type { Family } from "../../mesh/resources.ts";

/** Which nodes of a cluster share a LAN, told by their addresses alone. */

/** One LAN address of a node. */
export interface LanAddress {
  readonly text: string;
  readonly address: Address;
  readonly subnet: Cidr;
}

/** @param addresses with prefix length */
export function lanAddresses(addresses: readonly string[]): LanAddress[] {
  return addresses.map((text) => ({ text: addressPart(text), ...parseInterfaceAddress(text) }));
}

/** How a node of the same LAN is addressed. */
export interface OnLan {
  readonly via: string;
  /** This node's own prefix does not hold it, so its kernel must be told that it is on the link. */
  readonly onlink: boolean;
}

/**
 * The first of `theirs` that shares a subnet with one of `ours`: either lies in the prefix of the other, so that both
 * sides see it alike. Undefined: no LAN in this family.
 */
export function onLan(ours: readonly LanAddress[], theirs: readonly LanAddress[], family: Family): OnLan | undefined {
  const own = ours.filter((each) => each.address.family === family);
  const within = theirs.find((their) => own.some((our) => addressInCidr(our.subnet, their.address)));
  if (within !== undefined) return { via: within.text, onlink: false };
  const around = theirs.find((their) => own.some((our) => addressInCidr(their.subnet, our.address)));
  return around && { via: around.text, onlink: true };
}

/**
 * Family of the outer addresses by which two nodes reach each other: one in which they share a LAN before one that needs
 * a router, IPv4 before IPv6. The same seen from either. Undefined: they have no family in common.
 */
export function outerFamily(ours: readonly LanAddress[], theirs: readonly LanAddress[]): Family | undefined {
  const common = ([4, 6] as const).filter((family) => [ours, theirs].every((of) => lanAddressOf(of, family)));
  return common.find((family) => onLan(ours, theirs, family)) ?? common[0];
}

/** The first address of a family, as text. */
export function lanAddressOf(addresses: readonly LanAddress[], family: Family): string | undefined {
  return addresses.find(({ address }) => address.family === family)?.text;
}
