import { createHash } from "node:crypto";
import { situationOf } from "../../member-agent/testing/situations.ts";
import type { Remote, Situation } from "../../member-agent/situation.ts";

const GATEWAYS = 3;
const FIRST_POD = addressNumber(10, 2);
const FIRST_MESH = addressNumber(100, 64);
/** For benchmarks, RFC 2544. */
const FIRST_ENDPOINT = addressNumber(198, 18);
const FIRST_ANNOUNCED = addressNumber(172, 24);

/** A gateway of a dual-stack cluster of two nodes, one of them plain, on an IPv4 LAN, linked with these. */
export function gatewayAmong(remotes: readonly Remote[], privateKey: string): Situation {
  const situation = situationOf({ nodes: 2, gateways: 1, node: 0, families: [4, 6], remotes });
  return { ...situation, gateway: situation.gateway && { ...situation.gateway, privateKey } };
}

/** Linked clusters as that gateway sees them: a range of pods, mesh prefixes of both families, three gateways each. */
export function linkedClusters(count: number): Remote[] {
  return Array.from({ length: count }, (_, at) => linkedCluster(at));
}

function linkedCluster(at: number): Remote {
  const number = at + 2;
  const meshPrefixes = [`${address(FIRST_MESH, number * 1024)}/22`, `fd64:${number}::/64`];
  return {
    name: `c${number}`,
    number,
    prefixes: [`${address(FIRST_POD, at * 1024)}/22`, ...meshPrefixes],
    meshPrefixes,
    gateways: Array.from({ length: GATEWAYS }, (_none, rank) => ({
      name: `g${rank}`,
      rank,
      endpoint: endpointOf(number, rank),
      behindNAT: false,
      basePort: 51_820,
      publicKey: createHash("sha256").update(`${number} ${rank}`).digest("base64"),
    })),
    tunnel: "WireGuard",
    accepts: ["WireGuard"],
    sends: "WireGuard",
  };
}

/** The same cluster, which announces one prefix more. */
export function announcingMore(remote: Remote): Remote {
  return { ...remote, prefixes: [...remote.prefixes, `${address(FIRST_ANNOUNCED, remote.number * 16)}/28`] };
}

/** The same cluster, its first gateway elsewhere. */
export function moved(remote: Remote): Remote {
  const endpoint = endpointOf(remote.number, GATEWAYS);
  const gateways = remote.gateways.map((gateway) => (gateway.rank === 0 ? { ...gateway, endpoint } : gateway));
  return { ...remote, gateways };
}

function endpointOf(number: number, rank: number): string {
  return address(FIRST_ENDPOINT, number * (GATEWAYS + 1) + rank);
}

function addressNumber(first: number, second: number): number {
  return first * 2 ** 24 + second * 2 ** 16;
}

function address(base: number, offset: number): string {
  const value = base + offset;
  return [24, 16, 8, 0].map((bits) => Math.floor(value / 2 ** bits) % 256).join(".");
}
