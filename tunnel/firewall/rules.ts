import { HEARTBEAT_PORT, MESH_VXLAN_PORT, NFT_TABLE, NODE_VXLAN_PORT } from "../marks.ts";
import { closedRules, PAST_TUNNELS } from "./closed.ts";
import { NODE_VXLANS, PODS, TUNNELS, VXLANS, WAYS } from "./devices.ts";
import type { Json, NftObject, Protocol } from "./expressions.ts";
import {
  ACCEPT,
  FAMILIES,
  LAYER4,
  NOTRACK,
  RETURN,
  SET_ALLOWED,
  chain,
  concat,
  dropRule,
  field,
  from,
  goTo,
  has,
  hook,
  is,
  isNot,
  jump,
  notFrom,
  rule,
  to,
} from "./expressions.ts";
import { egressRules } from "./egress.ts";
import { natRules } from "./nat.ts";

/** Comments of the rules that drop or reject: their counters are found by them. */
export const DROPS = {
  forward: "from a tunnel to what is not announced",
  input: "from a remote cluster to this machine",
  source: "from a tunnel with a source that is no remote cluster's",
  vxlanOuter: "VXLAN from an unknown endpoint",
  vxlanInner: "VXLAN with a source that is not its cluster's",
  stray: "with a remote cluster's source, by neither a tunnel nor the LAN",
  spoof: "from a pod with a source that is not its own",
  clear: PAST_TUNNELS,
} as const;

/**
 * One after mangle (-150), where others set whole marks and would wipe our bit out, and before all that filters by
 * convention (-100 to 50), which is to find the bit set.
 */
export const FILTER_PRIORITY = -149;

/** Bytes: what a route with IPv6's smallest MTU leaves a segment, 1280 less the headers of IPv6 and TCP. */
const FLOOR_SEGMENT = 1220;
/**
 * Such a route may stand for a path on which tunnels' packets have to be cut. Segments that fit the smallest path there
 * is, 1280 less WireGuard over IPv6, need not be: wireguard-go sends many at once by UDP_SEGMENT, and the kernel takes
 * none of them that is larger than the path (udp_send_skb in net/ipv4/udp.c; seen on 6.18).
 */
const UNCUT_SEGMENT = FLOOR_SEGMENT - 80;

/** Table, chains and rules; the sets they use are those of `sets.ts`. */
export function fixedObjects(clusterDevices: readonly string[], nodeAddresses: readonly string[]): NftObject[] {
  return [
    { table: { family: "inet", name: NFT_TABLE } },
    hook("prerouting", { type: "filter", hook: "prerouting", prio: -300 }),
    chain("from_pod"),
    hook("forward", { type: "filter", hook: "forward", prio: FILTER_PRIORITY }),
    hook("input", { type: "filter", hook: "input", prio: FILTER_PRIORITY }),
    chain("from_remote"),
    chain("let_in"),
    // After everybody's destination NAT, which sits at -100 there.
    hook("output", { type: "filter", hook: "output", prio: -90 }),
    // Before everybody's masquerading, which sits at srcnat = 100.
    hook("postrouting", { type: "nat", hook: "postrouting", prio: 90 }),
    chain("egress"),
    ...podRules(),
    ...sourceRules(),
    ...FAMILIES.flatMap((family) => strayRules(family, clusterDevices)),
    ...FAMILIES.flatMap((family) => transitRules(family, clusterDevices)),
    ...closedRules(),
    ...forwardRules(clusterDevices),
    ...clusterDevices.flatMap((device) => FAMILIES.flatMap((family) => relayRules(device, family))),
    ...inputRules(),
    ...natRules(nodeAddresses),
    ...egressRules(),
  ];
}

/** Device that the route to the destination leads out by: what a packet is bound for, whatever block its address is of. */
const OUT_BY: Json = { fib: { result: "oifname", flags: ["daddr"] } };

/**
 * A pod sends with a source that is routed to its very wire, or not at all; no pod is named here, the routes know them.
 * Link-local and unspecified ones are what neighbour discovery speaks with (RFC 4861): the kernel forwards neither, so
 * they get no farther than this end of the wire. ARP needs no such rule: what a pod claims by it is believed on its own
 * wire alone, where nothing but its own addresses is routed.
 */
function podRules(): NftObject[] {
  const unforwarded = { set: ["::", { prefix: { addr: "fe80::", len: 10 } }] };
  const wayBack = { fib: { result: "oif", flags: ["saddr", "iif"] } };
  return [
    rule("prerouting", [from(PODS), jump("from_pod")]),
    rule("from_pod", [is(field("ip6", "saddr"), unforwarded), RETURN]),
    dropRule("from_pod", [is(wayBack, false)], DROPS.spoof),
  ];
}

/**
 * A tunnel carries sources of remote clusters only: none of ours, no stranger's. WireGuard knows which peer has which,
 * VXLAN believes everybody, so there the MAC address says whose prefixes they may be of.
 */
function sourceRules(): NftObject[] {
  const source = ({ ip }: Protocol) => field(ip, "saddr");
  const sender = (family: Protocol) => concat(field("ether", "saddr"), source(family));
  return [
    ...FAMILIES.map((family) =>
      dropRule("prerouting", [from(VXLANS), isNot(sender(family), `@inner${family.suffix}`)], DROPS.vxlanInner),
    ),
    ...FAMILIES.map((family) =>
      dropRule("prerouting", [from(TUNNELS), isNot(source(family), `@remote${family.suffix}`)], DROPS.source),
    ),
  ];
}

/**
 * What a remote cluster sends comes by a tunnel or from another node of this cluster. By any other device somebody
 * forged its source, a host on another network of this machine. It is dropped where no way but ours leads: to this
 * node's own pods and addresses. What it sends farther is left to whoever filters there, for it gets no mark.
 */
function strayRules({ ip, suffix }: Protocol, clusterDevices: readonly string[]): NftObject[] {
  const elsewhere = [...WAYS, ...clusterDevices].map(notFrom);
  return [is(OUT_BY, PODS), is(field(ip, "daddr"), `@own${suffix}`)].map((here) =>
    dropRule("prerouting", [...elsewhere, is(field(ip, "saddr"), `@remote${suffix}`), here], DROPS.stray),
  );
}

/**
 * With all gateways active each sees one direction of a flow, and the common `ct state invalid drop` of others would
 * kill it: transit is not tracked. This node's own pods and addresses are, for they see both directions; so is what
 * leaves with another source than announced ones, for it is going to be translated.
 */
function transitRules({ ip, suffix }: Protocol, clusterDevices: readonly string[]): NftObject[] {
  const [source, destination] = [field(ip, "saddr"), field(ip, "daddr")];
  return [
    ...clusterDevices.map((device) =>
      rule("prerouting", [
        from(device),
        is(source, `@announced${suffix}`),
        is(destination, `@remote${suffix}`),
        NOTRACK,
      ]),
    ),
    rule("prerouting", [from(TUNNELS), isNot(destination, `@own${suffix}`), isNot(OUT_BY, PODS), NOTRACK]),
  ];
}

/**
 * A node of another LAN reaches the underlay of this one through here. What answers has a way of its own to that node,
 * so this is transit as well: not tracked, and marked. Nothing else of the LAN is.
 */
function relayRules(device: string, { ip, suffix }: Protocol): NftObject[] {
  const toUnderlay = is(field(ip, "daddr"), `@inside${suffix}`);
  return [
    rule("prerouting", [from(NODE_VXLANS), toUnderlay, is(OUT_BY, device), NOTRACK]),
    rule("forward", [from(NODE_VXLANS), to(device), toUnderlay, SET_ALLOWED]),
  ];
}

/**
 * Answers to what this node asked for itself or translated, errors about it included. Nothing that a remote cluster
 * began is ever in this direction, and transit is not tracked at all.
 */
const ANSWERS = [
  has({ ct: { key: "state" } }, ["established", "related"]),
  is({ ct: { key: "direction" } }, "reply"),
] as const;

/**
 * Transit: segments clamped to the path, the bit for others' chains, and from a tunnel to nothing but what is announced.
 * What this node's own pods send and get has the bit, too: a machine that runs pods forwards for them. Not so what comes
 * from a remote cluster: that takes its own ways only.
 */
function forwardRules(clusterDevices: readonly string[]): NftObject[] {
  const syn = has(field("tcp", "flags"), "syn");
  const clampTo = (value: Json) => ({ mangle: { key: { "tcp option": { name: "maxseg", field: "size" } }, value } });
  const clamp = clampTo({ rt: { key: "mtu" } });
  const atFloor = [is({ meta: { key: "nfproto" } }, "ipv6"), is({ rt: { key: "mtu" } }, FLOOR_SEGMENT)];
  const between = ({ ip, suffix }: Protocol, source: string, destination: string, ...by: readonly Json[]) =>
    rule("forward", [
      ...by,
      is(field(ip, "saddr"), `@${source}${suffix}`),
      is(field(ip, "daddr"), `@${destination}${suffix}`),
      SET_ALLOWED,
    ]);
  return [
    ...[from(TUNNELS), to(TUNNELS)].flatMap((match) => [
      rule("forward", [match, syn, clamp]),
      rule("forward", [match, syn, ...atFloor, clampTo(UNCUT_SEGMENT)]),
    ]),
    ...FAMILIES.flatMap((family) => [
      between(family, "announced", "remote"),
      ...[TUNNELS, ...clusterDevices].map((device) => between(family, "remote", "announced", from(device))),
    ]),
    rule("forward", [from(PODS), SET_ALLOWED]),
    ...FAMILIES.map(({ ip, suffix }) =>
      rule("forward", [to(PODS), isNot(field(ip, "saddr"), `@remote${suffix}`), SET_ALLOWED]),
    ),
    rule("forward", [from(TUNNELS), ...ANSWERS, ACCEPT]),
    ...FAMILIES.map(({ ip, suffix }) =>
      dropRule("forward", [from(TUNNELS), isNot(field(ip, "daddr"), `@announced${suffix}`)], DROPS.forward),
    ),
  ];
}

/**
 * Into this machine from remote clusters, by a tunnel or from this cluster's gateway: answers, and to mesh addresses
 * ICMP, heartbeats and what an admin opened. And VXLAN from its known endpoints only.
 */
function inputRules(): NftObject[] {
  const port = field("udp", "dport");
  const outer = (family: Protocol) => concat(field(family.ip, "saddr"), port);
  return [
    ...FAMILIES.map((family) =>
      dropRule(
        "input",
        [is(port, { set: [MESH_VXLAN_PORT, NODE_VXLAN_PORT] }), isNot(outer(family), `@outer${family.suffix}`)],
        DROPS.vxlanOuter,
      ),
    ),
    rule("input", [from(TUNNELS), jump("from_remote")]),
    ...FAMILIES.map(({ ip, suffix }) =>
      rule("input", [
        is(field(ip, "saddr"), `@remote${suffix}`),
        is(field(ip, "daddr"), `@own${suffix}`),
        jump("from_remote"),
      ]),
    ),
    rule("from_remote", [...ANSWERS, goTo("let_in")]),
    ...FAMILIES.map(({ ip, suffix }) =>
      dropRule("from_remote", [isNot(field(ip, "daddr"), `@own${suffix}`)], DROPS.input),
    ),
    rule("from_remote", [is(LAYER4, { set: ["icmp", "ipv6-icmp"] }), goTo("let_in")]),
    rule("from_remote", [is(port, HEARTBEAT_PORT), goTo("let_in")]),
    rule("from_remote", [is(concat(LAYER4, field("th", "dport")), "@open"), goTo("let_in")]),
    dropRule("from_remote", [], DROPS.input),
    rule("let_in", [SET_ALLOWED]),
    rule("let_in", [ACCEPT]),
  ];
}
