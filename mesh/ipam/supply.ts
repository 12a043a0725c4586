import { parseAddress, parseCidr, sizeOf } from "../cidr.ts";
import type { Cidr } from "../cidr.ts";
import type { AddressCounts, SubnetSpec } from "./resources.ts";
import type { Span } from "./span.ts";
import { addressInSpan, parseSpan, spanOfCidr, spanOfSubnet, spanSize } from "./span.ts";

/** Addresses a Subnet may track: that many bits, one an address, are kept of it, and walked through to count. */
export const MOST_ADDRESSES = 65_536;

const FREE = 0;
const UNUSABLE = 1;
const RESERVED = 2;

/** What a Subnet can issue, by place: the place of an address is how far it lies after the first of its {@link Span}. */
export interface Supply {
  readonly span: Span;
  /** Addresses that pods may have, reserved ones too. */
  readonly total: number;
  /** Of those, the ones that are issued by name alone. */
  readonly reserved: number;
  /** True when anybody may be issued the address of this place. */
  readonly isFree: (place: number) => boolean;
  /** True when the address of this place may be issued to who names it. */
  readonly isUsable: (place: number) => boolean;
}

/**
 * What is left of a Subnet's range when its gateway, its excluded addresses, the network's own address and broadcast
 * (IPv4) and the subnet-router anycast address (IPv6, RFC 4291 section 2.6.1) are taken out.
 * @param subnet valid; see subnetRefusals
 */
export function supplyOf(
  subnet: Pick<SubnetSpec, "cidr" | "range" | "gateway" | "excludeIPs" | "reservedIPs">,
): Supply {
  const span = spanOfSubnet(subnet);
  const places = new Uint8Array(Number(spanSize(span)));
  for (const each of subnet.reservedIPs) mark(places, span, parseSpan(each), RESERVED);
  for (const each of unusable(subnet)) mark(places, span, each, UNUSABLE);
  const count = (kind: number): number => places.reduce((sum, each) => (each === kind ? sum + 1 : sum), 0);
  const reserved = count(RESERVED);
  return {
    span,
    total: count(FREE) + reserved,
    reserved,
    isFree: (place) => places[place] === FREE,
    isUsable: (place) => places[place] === FREE || places[place] === RESERVED,
  };
}

/** Whether two specs of one Subnet, which keeps its range for good, leave the same addresses to issue. */
export function issueAlike(one: SubnetSpec, other: SubnetSpec): boolean {
  const parts = ({ cidr, range, gateway, excludeIPs, reservedIPs }: SubnetSpec): string =>
    JSON.stringify([cidr, range?.start, range?.end, gateway, excludeIPs, reservedIPs]);
  return parts(one) === parts(other);
}

/** What `total used available` are, where `used` holds the addresses of all IPInstances of the Subnet. */
export function countSupply(supply: Supply, used: readonly string[]): AddressCounts {
  const { span, total, reserved } = supply;
  const places = used.map(parseAddress).filter((address) => addressInSpan(span, address));
  const usedReserved = places.filter(({ value }) => {
    const place = Number(value - span.first);
    return supply.isUsable(place) && !supply.isFree(place);
  }).length;
  return { total, used: used.length, available: Math.max(0, total - used.length - (reserved - usedReserved)) };
}

/** Addresses that mean all of a CIDR: the network's own and broadcast (IPv4), the subnet-router anycast address (IPv6). */
export function endsOf(cidr: Cidr): Span[] {
  const { family, first, last } = spanOfCidr(cidr);
  const ends = family === 4 ? [first, last] : [first];
  return sizeOf(cidr) > 2n ? ends.map((value) => ({ family, first: value, last: value })) : [];
}

function unusable({ cidr, gateway, excludeIPs }: Pick<SubnetSpec, "cidr" | "gateway" | "excludeIPs">): Span[] {
  return [...endsOf(parseCidr(cidr)), ...[...excludeIPs, ...(gateway === undefined ? [] : [gateway])].map(parseSpan)];
}

function mark(places: Uint8Array, span: Span, { family, first, last }: Span, kind: number): void {
  if (family !== span.family || first > span.last || last < span.first) return;
  const from = first < span.first ? 0n : first - span.first;
  const to = last > span.last ? span.last - span.first : last - span.first;
  places.fill(kind, Number(from), Number(to) + 1);
}
