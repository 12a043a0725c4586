import type { Address, Cidr } from "../cidr.ts";
import { formatAddress, parseAddress, parseCidr, sizeOf } from "../cidr.ts";
import type { Checked } from "../refusal.ts";
import { refuse } from "../refusal.ts";
import type { Family } from "../resources.ts";
import { readAddress } from "../typed-cidr.ts";
import type { SubnetSpec } from "./resources.ts";

/** Addresses that follow one another, both ends included; unlike a CIDR it may begin and end anywhere. */
export interface Span {
  readonly family: Family;
  readonly first: bigint;
  readonly last: bigint;
}

/** Reads what a person writes for one address or for several: `10.1.0.9`, `10.1.0.9-10.1.0.20`. */
export function readSpan(text: string): Checked<Span> {
  const [start = "", end = start, more] = text.split("-");
  const [first, last] = [readAddress(start), readAddress(end)];
  if (first.refusal !== undefined || last.refusal !== undefined || more !== undefined) {
    return refuse(
      "bad-address",
      `${JSON.stringify(text)} is neither an address nor a range such as 10.1.0.9-10.1.0.20`,
    );
  }
  if (`${first.value}-${last.value}` !== `${start}-${end}`) {
    const canonical = start === end ? first.value : `${first.value}-${last.value}`;
    return refuse("bad-address", `write ${JSON.stringify(text)} as ${canonical}`);
  }
  const span = spanBetween(first.value, last.value);
  return span === undefined
    ? refuse("bad-range", `${JSON.stringify(text)} ends before it begins, or its ends are of two families`)
    : { value: span };
}

/** @throws RangeError when `text` is no span: stored ones were checked */
export function parseSpan(text: string): Span {
  const [start = "", end = start] = text.split("-");
  const span = spanBetween(start, end);
  if (span === undefined) throw new RangeError(`"${text}" is no range of addresses`);
  return span;
}

/** Undefined where the last address is before the first, or of another family. */
export function spanBetween(start: string, end: string): Span | undefined {
  const [first, last] = [parseAddress(start), parseAddress(end)];
  const isSpan = first.family === last.family && first.value <= last.value;
  return isSpan ? { family: first.family, first: first.value, last: last.value } : undefined;
}

export function spanOfCidr(cidr: Cidr): Span {
  return { family: cidr.family, first: cidr.first, last: cidr.first + sizeOf(cidr) - 1n };
}

/** What a Subnet may issue from: its range, or all of its CIDR. */
export function spanOfSubnet({ cidr, range }: Pick<SubnetSpec, "cidr" | "range">): Span {
  return range === undefined ? spanOfCidr(parseCidr(cidr)) : parseSpan(`${range.start}-${range.end}`);
}

export function spanSize({ first, last }: Span): bigint {
  return last - first + 1n;
}

export function spansOverlap(a: Span, b: Span): boolean {
  return a.family === b.family && a.first <= b.last && b.first <= a.last;
}

/** True when `inner` lies wholly inside `outer`. */
export function spanContains(outer: Span, inner: Span): boolean {
  return outer.family === inner.family && outer.first <= inner.first && inner.last <= outer.last;
}

export function addressInSpan({ family, first, last }: Span, address: Address): boolean {
  return address.family === family && first <= address.value && address.value <= last;
}

/** `10.1.0.9`, or `10.1.0.9-10.1.0.20`. */
export function formatSpan({ family, first, last }: Span): string {
  const start = formatAddress({ family, value: first });
  return first === last ? start : `${start}-${formatAddress({ family, value: last })}`;
}
