import { familyOf } from "../../mesh/cidr.ts";
import { TUNNEL_FWMARK, wireGuardDevice } from "../../tunnel/marks.ts";
import type { WireGuardInterface, WireGuardPeer } from "../../tunnel/state.ts";
import type { Wire } from "../mtu.ts";
import { wireGuardMtu } from "../mtu.ts";
import type { RemotePlan } from "../remote-plan.ts";
import type { OwnGateway, Remote, RemoteGateway } from "../situation.ts";

/** Seconds; also what makes a silent tunnel show within half a minute. */
const KEEPALIVE = 10;

/** The gateways of a linked cluster as peers. All of them: one that can't be dialled dials us. */
export function wireGuardPeers(remote: Remote, ownRank: number): RemotePlan["wireGuard"] {
  if (!remote.accepts.includes("WireGuard")) return [];
  return remote.gateways.map((gateway) => ({ rank: gateway.rank, peer: peerOf(remote, gateway, ownRank) }));
}

/** One interface per remote rank; rank 0 is there before the first link, so that a link costs no process start. */
export function wireGuardInterfaces(own: OwnGateway, wire: Wire, peers: RemotePlan["wireGuard"]): WireGuardInterface[] {
  const byRank = new Map<number, WireGuardPeer[]>([[0, []]]);
  for (const { rank, peer } of peers) {
    const present = byRank.get(rank);
    if (present === undefined) byRank.set(rank, [peer]);
    else present.push(peer);
  }
  return [...byRank]
    .toSorted(([a], [b]) => a - b)
    .map(([rank, ofRank]) => ({
      name: wireGuardDevice(own.rank, rank),
      privateKey: own.privateKey,
      listenPort: own.basePort + rank,
      fwmark: TUNNEL_FWMARK,
      mtu: wireGuardMtu(wire),
      peers: ofRank,
    }));
}

/** Port rule: gateway (A, i) dials (B, r) at B's base plus its own rank i. */
function peerOf(remote: Remote, gateway: RemoteGateway, ownRank: number): WireGuardPeer {
  const { endpoint: address, basePort, publicKey } = gateway;
  const port = basePort + ownRank;
  return {
    publicKey,
    endpoint: address && (familyOf(address) === 6 ? `[${address}]:${port}` : `${address}:${port}`),
    allowedIPs: remote.prefixes,
    persistentKeepalive: KEEPALIVE,
  };
}
