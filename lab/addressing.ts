import { bitsOf, formatAddress, nthAddress, parseCidr } from "../mesh/cidr.ts";
import type { Family } from "../mesh/resources.ts";

/**
 * Who has which address in a lab. What the file does not say is out of ranges that are for documentation (RFC 5737,
 * RFC 3849): to the clusters it is "somewhere on the internet". Pure.
 */

/** Where the hub lives, one range a family. */
export const HUB_NETS = ["198.51.100.0/24", "2001:db8:51:100::/64"] as const;
/** What the nets between the WAN and the sites are cut from. */
export const TRANSIT_NETS = ["203.0.113.0/24", "2001:db8:113::/59"] as const;
/** As many transit nets are in either range. */
export const MAX_SITES = 32;
/** Prefix length of a transit net: in either family a router has some addresses to move to. */
const TRANSIT_LENGTH = { 4: 29, 6: 64 } as const;

/** Place of the first machine's address in its net; the router has the first. */
export const FIRST_MACHINE = 10;
const ROUTER = 1;
/** Place of a site's router in its transit net, where the WAN has the first address. */
const SITE_ROUTER = 2;

/** One address of a machine, and who routes what is not on the same net. */
export interface Attachment {
  readonly family: Family;
  /** Without prefix length. */
  readonly address: string;
  readonly prefixLength: number;
  readonly router: string;
}

/** The attachment to a net (a CIDR) of machine number `n`. @throws RangeError when the net has no such address */
export function attachmentTo(net: string, n: number): Attachment {
  const { family, length } = parseCidr(net);
  return { family, address: hostAddress(net, n), prefixLength: length, router: routerOf(net) };
}

/** Where the router of the site that is at `index` in the file is attached to the WAN, which routes for it. */
export function uplinkOf(index: number): Attachment[] {
  return TRANSIT_NETS.map((range) => {
    const all = parseCidr(range);
    const length = TRANSIT_LENGTH[all.family];
    const first = nthAddress(all, BigInt(index) << BigInt(bitsOf(all.family) - length));
    return attachmentTo(`${formatAddress(first)}/${length}`, SITE_ROUTER);
  });
}

/** Address of a net's own router. */
export function routerOf(net: string): string {
  return hostAddress(net, ROUTER);
}

/** `192.168.1.10/24` */
export function withLength({ address, prefixLength }: Attachment): string {
  return `${address}/${prefixLength}`;
}

/** The address of `attachments` that a program dials or listens on: of `family`, else of the first there is. */
export function addressIn(attachments: readonly Attachment[], family?: Family): string | undefined {
  return attachments.find((each) => family === undefined || each.family === family)?.address;
}

/** A machine's place in a net, the same digits in both families: number 10 is `.10` and `::10`. */
export function hostNumber(family: Family, n: number): number {
  return family === 4 ? n : Number.parseInt(String(n), 16);
}

function hostAddress(net: string, n: number): string {
  const cidr = parseCidr(net);
  return formatAddress(nthAddress(cidr, hostNumber(cidr.family, n)));
}
