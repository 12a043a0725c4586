import { ALLOWED_MARK, NFT_TABLE } from "../marks.ts";

/**
 * The words that the rules of `table inet trestle` are made of, in the JSON of libnftables (libnftables-json(5)) and in
 * exactly the form in which `nft -j list table` gives them back, so that what is observed can be compared with what is
 * wanted.
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
/** A table, set, chain or rule, keyed by which it is. */
export type NftObject = { readonly [kind in "table" | "set" | "chain" | "rule"]?: { readonly [key: string]: Json } };

/** The two families: what nft calls their header, how the names of their sets end, and how they say "unreachable". */
export const FAMILIES = [
  { ip: "ip", suffix: "4", type: "ipv4_addr", unreachable: { type: "icmp", expr: "host-unreachable" } },
  { ip: "ip6", suffix: "6", type: "ipv6_addr", unreachable: { type: "icmpv6", expr: "addr-unreachable" } },
] as const;
export type Protocol = (typeof FAMILIES)[number];

/** What every object of the table begins with. */
export const TABLE = { family: "inet", table: NFT_TABLE } as const;

const COUNTER: Json = { counter: { packets: 0, bytes: 0 } };
const DROP: Json = { drop: null };
export const ACCEPT: Json = { accept: null };
export const RETURN: Json = { return: null };
export const NOTRACK: Json = { notrack: null };
export const MASQUERADE: Json = { masquerade: null };
export const LAYER4: Json = { meta: { key: "l4proto" } };
const MARK: Json = { meta: { key: "mark" } };
/** Sets our bit and leaves those of others as they are. */
export const SET_ALLOWED: Json = { mangle: { key: MARK, value: { "|": [MARK, ALLOWED_MARK] } } };

/** A base chain that drops nothing by default. */
export function hook(
  name: string,
  at: { readonly type: string; readonly hook: string; readonly prio: number },
): NftObject {
  return { chain: { ...TABLE, name, ...at, policy: "accept" } };
}

export function chain(name: string): NftObject {
  return { chain: { ...TABLE, name } };
}

export function rule(into: string, expr: readonly Json[], comment?: string): NftObject {
  return { rule: { ...TABLE, chain: into, ...(comment !== undefined && { comment }), expr } };
}

/** Counts and drops; the counter is found again by the comment. */
export function dropRule(into: string, matches: readonly Json[], comment: string): NftObject {
  return rule(into, [...matches, COUNTER, DROP], comment);
}

/** Counts and tells the sender; the counter is found again by the comment. */
export function rejectRule(into: string, matches: readonly Json[], reject: Json, comment: string): NftObject {
  return rule(into, [...matches, COUNTER, { reject }], comment);
}

/** In by a device; a trailing `*` is any rest. */
export function from(device: string): Json {
  return is({ meta: { key: "iifname" } }, device);
}

export function notFrom(device: string): Json {
  return isNot({ meta: { key: "iifname" } }, device);
}

export function to(device: string): Json {
  return is({ meta: { key: "oifname" } }, device);
}

export function notTo(device: string): Json {
  return isNot({ meta: { key: "oifname" } }, device);
}

/** Where the route leads to: a router or, without one, the destination itself. */
export function nextHop(family: Protocol["ip"]): Json {
  return { rt: { key: "nexthop", family } };
}

export function field(protocol: string, name: string): Json {
  return { payload: { protocol, field: name } };
}

export function concat(...parts: readonly Json[]): Json {
  return { concat: parts };
}

export function is(left: Json, right: Json): Json {
  return { match: { op: "==", left, right } };
}

export function isNot(left: Json, right: Json): Json {
  return { match: { op: "!=", left, right } };
}

/** Has that bit set, or one of those. */
export function has(left: Json, right: Json): Json {
  return { match: { op: "in", left, right } };
}

/** Carries that bit of the packet mark, whatever the others are. */
export function marked(bit: number): Json {
  return is({ "&": [MARK, bit] }, bit);
}

export function jump(target: string): Json {
  return { jump: { target } };
}

export function goTo(target: string): Json {
  return { goto: { target } };
}
