import { readIPv4, readIPv6, readLength } from "./address-text.ts";
import type { Family } from "./resources.ts";

/**
 * Arithmetic on addresses and CIDRs of both families. Texts here are ours already: what people type goes through
 * typed-cidr.ts.
 */

export interface Address {
  readonly family: Family;
  readonly value: bigint;
}

/** A prefix without host bits: `first` is its first address, `length` its prefix length. */
export interface Cidr {
  readonly family: Family;
  readonly first: bigint;
  readonly length: number;
}

/** By number of host bits. A table, because ledgers of thousands of rows are compared with it again and again. */
const HOST_MASKS: readonly bigint[] = Array.from({ length: 129 }, (_, bits) => (1n << BigInt(bits)) - 1n);

/** Bits in an address: 32 or 128. */
export function bitsOf(family: Family): number {
  return family === 4 ? 32 : 128;
}

/** Family of an address or a CIDR, by its text. */
export function familyOf(text: string): Family {
  return text.includes(":") ? 6 : 4;
}

/**
 * Reads an address in any spelling of RFC 4291, section 2.2, but the mixed one (`::ffff:1.2.3.4`).
 * @throws RangeError when `text` is no address
 */
export function parseAddress(text: string): Address {
  const family = familyOf(text);
  const value = family === 4 ? readIPv4(text) : readIPv6(text);
  if (value === undefined) {
    throw new RangeError(`"${text}" is not an IP address`);
  }
  return { family, value };
}

/**
 * Reads `address/length`.
 * @throws RangeError when `text` is no CIDR or has host bits set
 */
export function parseCidr(text: string): Cidr {
  const slash = text.indexOf("/");
  const { family, value } = parseAddress(addressPart(text));
  const length = slash < 0 ? undefined : readLength(text, slash + 1);
  if (length === undefined || length > bitsOf(family)) {
    throw new RangeError(`"${text}" is not a CIDR`);
  }
  if ((value & hostMask(family, length)) !== 0n) {
    throw new RangeError(`"${text}" has host bits set`);
  }
  return { family, first: value, length };
}

/** An interface's address and the subnet that it lies in. */
export interface InterfaceAddress {
  readonly address: Address;
  readonly subnet: Cidr;
}

/**
 * Reads an interface's address with its prefix length, e.g. `10.1.0.10/24`.
 * @throws RangeError when `text` is none
 */
export function parseInterfaceAddress(text: string): InterfaceAddress {
  const slash = text.indexOf("/");
  const address = parseAddress(addressPart(text));
  const length = slash < 0 ? undefined : readLength(text, slash + 1);
  if (length === undefined || length > bitsOf(address.family)) {
    throw new RangeError(`"${text}" is not an address with its prefix length`);
  }
  return { address, subnet: cidrOf(address, length) };
}

/** The text of an address without its prefix length, if it has one. */
export function addressPart(text: string): string {
  const slash = text.indexOf("/");
  return slash < 0 ? text : text.slice(0, slash);
}

/** The text of the CIDR that holds this address alone, a /32 or a /128. @param address text, without prefix length */
export function hostCidr(address: string): string {
  return `${address}/${bitsOf(familyOf(address))}`;
}

/** The CIDR of this length that holds `address`. */
export function cidrOf(address: Address, length: number): Cidr {
  return { family: address.family, first: address.value & ~hostMask(address.family, length), length };
}

/** Canonical text: dotted decimal, or RFC 5952. */
export function formatAddress({ family, value }: Address): string {
  if (family === 4) {
    const bits = Number(value);
    return `${bits >>> 24}.${(bits >>> 16) & 255}.${(bits >>> 8) & 255}.${bits & 255}`;
  }
  const groups = groupsOf(value).map((group) => group.replace(/^0{1,3}/, ""));
  const { start, count } = longestZeroRun(groups);
  return count < 2 ? groups.join(":") : `${groups.slice(0, start).join(":")}::${groups.slice(start + count).join(":")}`;
}

/** Canonical text, e.g. `10.1.0.0/16` or `fd00:1::/48`. */
export function formatCidr(cidr: Cidr): string {
  return `${formatAddress({ family: cidr.family, value: cidr.first })}/${cidr.length}`;
}

/** The eight groups of an IPv6 address, four hexadecimal digits each. */
export function groupsOf(value: bigint): string[] {
  return value.toString(16).padStart(32, "0").match(/.{4}/g) ?? [];
}

/** Number of addresses in a CIDR. */
export function sizeOf(cidr: Cidr): bigint {
  return hostMask(cidr.family, cidr.length) + 1n;
}

/** True when `inner` lies wholly inside `outer` (equal ones do). */
export function contains(outer: Cidr, inner: Cidr): boolean {
  return inner.length >= outer.length && overlaps(outer, inner);
}

/** True when the two share an address; CIDRs of different families never do. */
export function overlaps(a: Cidr, b: Cidr): boolean {
  return a.family === b.family && (a.first ^ b.first) <= hostMask(a.family, a.length < b.length ? a.length : b.length);
}

export function addressInCidr(cidr: Cidr, { family, value }: Address): boolean {
  return family === cidr.family && (value ^ cidr.first) <= hostMask(family, cidr.length);
}

/**
 * The address `n` places after the first; `n` = 0 is the first.
 * @throws RangeError when the CIDR has no such address
 */
export function nthAddress(cidr: Cidr, n: number | bigint): Address {
  const offset = BigInt(n);
  if (offset < 0n || offset >= sizeOf(cidr)) {
    throw new RangeError(`${formatCidr(cidr)} has no address number ${offset}`);
  }
  return { family: cidr.family, value: cidr.first + offset };
}

/** A range without holes, in as few CIDRs as can be. */
export function withoutHoles(range: Cidr, holes: readonly Cidr[]): Cidr[] {
  const inside = holes.filter((hole) => overlaps(range, hole));
  if (inside.length === 0) return [range];
  if (inside.some((hole) => contains(hole, range))) return [];
  const length = range.length + 1;
  return [0n, sizeOf(range) / 2n].flatMap((at) => withoutHoles(cidrOf(nthAddress(range, at), length), inside));
}

/** Order: IPv4 before IPv6, then by first address, then the wider before the narrower. */
export function compareCidrs(a: Cidr, b: Cidr): number {
  if (a.family !== b.family) {
    return a.family - b.family;
  }
  return a.first < b.first ? -1 : a.first > b.first ? 1 : a.length - b.length;
}

function hostMask(family: Family, length: number): bigint {
  return HOST_MASKS[bitsOf(family) - length] ?? 0n;
}

/** The first of the longest runs of "0" (RFC 5952, section 4.2.3). */
function longestZeroRun(groups: readonly string[]): { readonly start: number; readonly count: number } {
  let best = { start: 0, count: 0 };
  let count = 0;
  for (const [index, group] of groups.entries()) {
    count = group === "0" ? count + 1 : 0;
    if (count > best.count) {
      best = { start: index + 1 - count, count };
    }
  }
  return best;
}
