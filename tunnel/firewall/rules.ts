import { HEARTBEAT_PORT, NFT_TABLE } from "../marks.ts";

/**
 * The rules of `table inet trestle`, in the JSON of libnftables (libnftables-json(5)) and in exactly the form in which
 * `nft -j list table` gives them back, so that what is observed can be compared with what is wanted.
 */

export type Json = string | number | boolean | null | readonly Json[] | { readonly [key: string]: Json };
/** A table, set, chain or rule, keyed by which it is. */
export type NftObject = { readonly [kind in "table" | "set" | "chain" | "rule"]?: { readonly [key: string]: Json } };

/** Every tunnel device. The mesh device matches too, but nothing ever arrives from it. */
const TUNNELS = "trs*";
const TABLE = { family: "inet", table: NFT_TABLE } as const;

/** The two families: what nft calls their header, and how the names of their sets end. */
export const FAMILIES = [
  { ip: "ip", suffix: "4", type: "ipv4_addr" },
  { ip: "ip6", suffix: "6", type: "ipv6_addr" },
] as const;
type Protocol = (typeof FAMILIES)[number];

/** Comments of the rules that drop: their counters are found by them. */
export const DROPS = {
  forward: "from a tunnel to what is not announced",
  input: "from a tunnel to this machine",
} as const;

/** Table, chains and rules; the sets they use are `remote4`, `remote6`, `announced…`, `local…`, `own…`. */
export function fixedObjects(clusterDevices: readonly string[]): NftObject[] {
  return [
    { table: { family: "inet", name: NFT_TABLE } },
    hook("prerouting", { type: "filter", hook: "prerouting", prio: -300 }),
    hook("forward", { type: "filter", hook: "forward", prio: -150 }),
    { chain: { ...TABLE, name: "from_tunnel" } },
    hook("input", { type: "filter", hook: "input", prio: 0 }),
    // Before everybody's masquerading, which sits at srcnat = 100.
    hook("postrouting", { type: "nat", hook: "postrouting", prio: 90 }),
    ...FAMILIES.flatMap((family) => transitRules(family, clusterDevices)),
    ...FAMILIES.map((family) =>
      rule(
        "forward",
        [from(TUNNELS), isNot(address(family, "daddr"), `@announced${family.suffix}`), COUNTER, DROP],
        DROPS.forward,
      ),
    ),
    ...[from(TUNNELS), to(TUNNELS)].map((match) => rule("forward", [match, SYN, CLAMP_TO_ROUTE_MTU])),
    ...inputRules(),
    ...FAMILIES.flatMap(identityRules),
  ];
}

/**
 * With all gateways active each sees one direction of a flow, and the common `ct state invalid drop` of others would
 * kill it: transit is not tracked. This node's own pods and addresses are, for they see both directions.
 */
function transitRules(family: Protocol, clusterDevices: readonly string[]): NftObject[] {
  const { suffix } = family;
  const destination = address(family, "daddr");
  return [
    ...clusterDevices.map((device) => rule("prerouting", [from(device), is(destination, `@remote${suffix}`), NOTRACK])),
    rule("prerouting", [
      from(TUNNELS),
      isNot(destination, `@local${suffix}`),
      isNot(destination, `@own${suffix}`),
      NOTRACK,
    ]),
  ];
}

/** Into this machine from a tunnel: ICMP and heartbeats to mesh addresses, and answers to what it asked from there. */
function inputRules(): NftObject[] {
  const strangers = FAMILIES.map((family) =>
    rule("from_tunnel", [isNot(address(family, "daddr"), `@own${family.suffix}`), COUNTER, DROP], DROPS.input),
  );
  return [
    ...strangers,
    rule("from_tunnel", [has({ ct: { key: "state" } }, "established"), ACCEPT]),
    rule("from_tunnel", [is(LAYER4, "icmp"), ACCEPT]),
    rule("from_tunnel", [is(LAYER4, "ipv6-icmp"), ACCEPT]),
    rule("from_tunnel", [is({ payload: { protocol: "udp", field: "dport" } }, HEARTBEAT_PORT), ACCEPT]),
    rule("from_tunnel", [COUNTER, DROP], DROPS.input),
    rule("input", [from(TUNNELS), { jump: { target: "from_tunnel" } }]),
  ];
}

/**
 * Source NAT to the source it has: the first NAT chain to decide wins, so a foreign MASQUERADE can't hide it, which
 * neither `accept` nor `return` would prevent. Only where one end is remote: a pod that reaches itself through its own
 * Service needs its masquerading.
 */
function identityRules(family: Protocol): NftObject[] {
  const { ip, suffix } = family;
  const source = address(family, "saddr");
  const identity: Json = { snat: { family: ip, addr: source } };
  const between = (from: string, to: string) =>
    rule("postrouting", [is(source, `@${from}${suffix}`), is(address(family, "daddr"), `@${to}${suffix}`), identity]);
  return [between("announced", "remote"), between("remote", "announced")];
}

function hook(name: string, at: { readonly type: string; readonly hook: string; readonly prio: number }): NftObject {
  return { chain: { ...TABLE, name, ...at, policy: "accept" } };
}

function rule(chain: string, expr: readonly Json[], comment?: string): NftObject {
  return { rule: { ...TABLE, chain, ...(comment !== undefined && { comment }), expr } };
}

const COUNTER: Json = { counter: { packets: 0, bytes: 0 } };
const DROP: Json = { drop: null };
const ACCEPT: Json = { accept: null };
const NOTRACK: Json = { notrack: null };
const LAYER4: Json = { meta: { key: "l4proto" } };
const SYN = has({ payload: { protocol: "tcp", field: "flags" } }, "syn");
const CLAMP_TO_ROUTE_MTU: Json = {
  mangle: { key: { "tcp option": { name: "maxseg", field: "size" } }, value: { rt: { key: "mtu" } } },
};

function from(device: string): Json {
  return is({ meta: { key: "iifname" } }, device);
}

function to(device: string): Json {
  return is({ meta: { key: "oifname" } }, device);
}

function address({ ip }: Protocol, field: "saddr" | "daddr"): Json {
  return { payload: { protocol: ip, field } };
}

function is(left: Json, right: Json): Json {
  return { match: { op: "==", left, right } };
}

function isNot(left: Json, right: Json): Json {
  return { match: { op: "!=", left, right } };
}

/** Has that bit set. */
function has(left: Json, right: Json): Json {
  return { match: { op: "in", left, right } };
}
