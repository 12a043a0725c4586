import { familyOf } from "../../mesh/cidr.ts";
import { healthAddress } from "../../mesh/mesh-prefix.ts";
import type { Family } from "../../mesh/resources.ts";
import { TUNNEL_FWMARK, wireGuardDevice } from "../../tunnel/marks.ts";
import type { Nexthop, Route, WireGuardInterface, WireGuardPeer } from "../../tunnel/state.ts";
import { remoteRouter } from "../node/plan.ts";
import type { OwnGateway, Remote, RemoteGateway, Situation } from "../situation.ts";

/** Outer headers of WireGuard: IP, UDP 8, WireGuard 32 (https://www.wireguard.com/papers/wireguard.pdf, 5.4.6). */
const OVERHEAD: Readonly<Record<Family, number>> = { 4: 60, 6: 80 };
/** Seconds; also what makes a silent tunnel show within half a minute. */
const KEEPALIVE = 10;

/** One interface per remote rank; rank 0 is there before the first link, so that a link costs no process start. */
export function wireGuardInterfaces(situation: Situation, own: OwnGateway): WireGuardInterface[] {
  const remotes = situation.remotes.filter((remote) => remote.tunnel === "WireGuard");
  return remoteRanks(remotes).map((rank) => {
    const peers = remotes.flatMap((remote) =>
      remote.gateways.filter((gateway) => gateway.rank === rank).map((gateway) => peerOf(remote, gateway, own)),
    );
    const overIPv6 = peers.some((peer) => peer.endpoint?.startsWith("["));
    return {
      name: wireGuardDevice(own.rank, rank),
      privateKey: own.privateKey,
      listenPort: own.basePort + rank,
      fwmark: TUNNEL_FWMARK,
      mtu: situation.lan.mtu - OVERHEAD[overIPv6 ? 6 : 4],
      peers,
    };
  });
}

/** Port rule: gateway (A, i) dials (B, r) at B's base plus its own rank i. */
function peerOf(remote: Remote, gateway: RemoteGateway, own: OwnGateway): WireGuardPeer {
  const address = gateway.endpoint;
  const port = gateway.basePort + own.rank;
  return {
    publicKey: gateway.publicKey,
    endpoint: address && (familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`),
    allowedIPs: remote.prefixes,
    persistentKeepalive: KEEPALIVE,
  };
}

/** A nexthop per tunnel and family, and per remote cluster and family the group of those that lead to it. */
export function tunnelNexthops(situation: Situation, own: OwnGateway): Nexthop[] {
  const remotes = situation.remotes.filter((remote) => remote.tunnel === "WireGuard");
  return ([4, 6] as const).flatMap((family) => [
    ...remoteRanks(remotes).map((rank) => ({
      id: tunnelID(rank, family),
      family,
      device: wireGuardDevice(own.rank, rank),
    })),
    ...remotes
      .filter((remote) => remote.gateways.length > 0)
      .map((remote) => ({
        id: groupID(remote.number, family),
        group: remote.gateways.map((gateway) => tunnelID(gateway.rank, family)).toSorted((a, b) => a - b),
      })),
  ]);
}

/** Every remote prefix into its cluster's group, and every remote health address into the one tunnel that ends there. */
export function tunnelRoutes(situation: Situation, own: OwnGateway): Route[] {
  const remotes = situation.remotes.filter((remote) => remote.tunnel === "WireGuard" && remote.gateways.length > 0);
  const routeTo = remoteRouter(situation);
  return remotes.flatMap((remote) => [
    ...remote.prefixes.map((prefix) =>
      routeTo(remote, prefix, { kind: "nexthop", id: groupID(remote.number, familyOf(prefix)) }),
    ),
    ...remote.meshPrefixes.flatMap((meshPrefix) =>
      remote.gateways.map((gateway) => ({
        prefix: healthAddress(meshPrefix, gateway.rank, "WireGuard"),
        target: { kind: "device", device: wireGuardDevice(own.rank, gateway.rank) } as const,
        src: ownHealthAddress(situation, own, familyOf(meshPrefix)),
      })),
    ),
  ]);
}

/** Health addresses of this gateway, one per tunnel kind and family, as host prefixes. */
export function ownHealthAddresses(situation: Situation, own: OwnGateway): string[] {
  return situation.self.meshPrefixes.flatMap((prefix) =>
    (["WireGuard", "VXLAN"] as const).map((tunnel) => healthAddress(prefix, own.rank, tunnel)),
  );
}

function ownHealthAddress(situation: Situation, own: OwnGateway, family: Family): string | undefined {
  const prefix = situation.self.meshPrefixes.find((meshPrefix) => familyOf(meshPrefix) === family);
  return prefix && healthAddress(prefix, own.rank, "WireGuard").split("/")[0];
}

function remoteRanks(remotes: readonly Remote[]): number[] {
  return [...new Set([0, ...remotes.flatMap((remote) => remote.gateways.map((gateway) => gateway.rank))])].toSorted(
    (a, b) => a - b,
  );
}

/** Nexthop ids are one number space a namespace; ours start high, out of the way of what people type. */
const FIRST_TUNNEL_ID = 1_953_000_000;
const FIRST_GROUP_ID = 1_954_000_000;

function tunnelID(rank: number, family: Family): number {
  return FIRST_TUNNEL_ID + rank * 2 + (family === 6 ? 1 : 0);
}

function groupID(clusterNumber: number, family: Family): number {
  return FIRST_GROUP_ID + clusterNumber * 2 + (family === 6 ? 1 : 0);
}
