/**
 * The pods' other addresses, and their ways past Trestle. Trestle lets what is bound for its own prefixes leave by
 * nothing but its tunnels, so a tunnel beside it, and a way without any, need prefixes that it knows nothing of.
 */

/** All of them (RFC 2544: for benchmarks). */
export const SIDE_RANGE = "198.18.0.0/15";
/** Marks their routes, so that undoing is deleting what carries it (rtnetlink(7): 4 to 255 are for programs). */
export const SIDE_PROTOCOL = 199;
/** What every pod of Trestle's has for a router. */
const POD_ROUTER = "169.254.1.1";

/** By a tunnel made by hand, or by none. */
export type Side = "hand-made" | "bare";
const SIDES = { "hand-made": 18, bare: 19 } as const satisfies Record<Side, number>;

/** One cluster: its only gateway, and its pods. Places are what people call them, e.g. `east/a`. */
export interface SideEnd {
  readonly gateway: Machine;
  readonly siteRouter: { readonly place: string; readonly lanAddress: string; readonly wanAddress: string };
  readonly pods: readonly SidePod[];
}

export interface Machine {
  readonly place: string;
  /** On its LAN. */
  readonly address: string;
}

export interface SidePod {
  readonly place: string;
  readonly node: Machine;
  /** Host end of its wire. */
  readonly device: string;
}

/** The addresses that the pods of the cluster with that index have for a side. */
export function sideRange(side: Side, cluster: number): string {
  return `198.${SIDES[side]}.${cluster}.0/24`;
}

/** That of its pod with that index. */
export function sideAddress(side: Side, cluster: number, pod: number): string {
  return `198.${SIDES[side]}.${cluster}.${pod + 1}`;
}

/**
 * What `ip -batch` is to be told in each place so that pods reach each other by both sides, through the same machines as
 * by Trestle. Pure.
 * @param targets how the tunnel made by hand is entered on each end's gateway
 */
export function planSideWays(
  ends: readonly [SideEnd, SideEnd],
  targets: readonly [string, string],
): ReadonlyMap<string, readonly string[]> {
  const lines = ends.flatMap(({ gateway, siteRouter, pods }, cluster): [string, string][] => {
    const far = 1 - cluster;
    return [
      ["wan", routeLine(sideRange("bare", cluster), `via ${siteRouter.wanAddress}`)],
      [siteRouter.place, routeLine(sideRange("bare", cluster), `via ${gateway.address}`)],
      [gateway.place, routeLine(sideRange("hand-made", far), targets[cluster] ?? "")],
      [gateway.place, routeLine(sideRange("bare", far), `via ${siteRouter.lanAddress}`)],
      ...pods.flatMap((pod, index) =>
        (["hand-made", "bare"] as const).flatMap((side) => {
          const [address, farRange] = [sideAddress(side, cluster, index), sideRange(side, far)];
          return [...podLines(pod, address, farRange), ...behindGateway(pod, gateway, address, farRange)];
        }),
      ),
    ];
  });
  const byPlace = [...Map.groupBy(lines, ([place]) => place)];
  return new Map(byPlace.map(([place, ofPlace]) => [place, [...new Set(ofPlace.map(([, line]) => line))]]));
}

function podLines({ place, node, device }: SidePod, address: string, farRange: string): [string, string][] {
  return [
    [place, `address add ${address}/32 dev eth0`],
    [place, routeLine(farRange, `via ${POD_ROUTER} dev eth0 onlink src ${address}`)],
    [node.place, routeLine(`${address}/32`, `dev ${device}`)],
  ];
}

/** A plain node and its gateway are a LAN apart. */
function behindGateway({ node }: SidePod, gateway: Machine, address: string, farRange: string): [string, string][] {
  if (node.place === gateway.place) return [];
  return [
    [node.place, routeLine(farRange, `via ${gateway.address}`)],
    [gateway.place, routeLine(`${address}/32`, `via ${node.address}`)],
  ];
}

function routeLine(prefix: string, target: string): string {
  return `route add ${prefix} ${target} proto ${SIDE_PROTOCOL}`;
}
