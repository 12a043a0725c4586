import type { WireGuardInterface, WireGuardPeer } from "../state.ts";
import type { ObservedPeer, ObservedWireGuard } from "./dump.ts";

/** One thing to hand to `wg set`: only what differs is present. */
export type WireGuardStep =
  | {
      readonly op: "configure";
      readonly privateKey?: string | undefined;
      readonly listenPort?: number | undefined;
      readonly fwmark?: number | undefined;
    }
  | {
      readonly op: "peer";
      readonly publicKey: string;
      readonly endpoint?: string | undefined;
      readonly allowedIPs?: readonly string[] | undefined;
      readonly persistentKeepalive?: number | undefined;
    }
  | { readonly op: "remove"; readonly publicKey: string };

/** What decides about endpoints besides the two states. */
export interface EndpointContext {
  /** Seconds since the Unix epoch. */
  readonly now: number;
  /** Endpoint last wanted for a peer, by public key; empty after a start. */
  readonly lastWanted: ReadonlyMap<string, string>;
}

/** Seconds without a handshake after which a peer's endpoint is set anew (WireGuard's Reject-After-Time is 180 too). */
const HANDSHAKE_STALE = 180;

/**
 * Steps to add and change; then those that take peers and allowed IPs away, which come after the routes that lead to
 * them. A prefix that another peer shall have now moves by being given to that one: WireGuard takes it from the first.
 */
export function planWireGuard(
  want: WireGuardInterface,
  have: ObservedWireGuard,
  context: EndpointContext,
): { put: WireGuardStep[]; remove: WireGuardStep[] } {
  const wanted = new Set(want.peers.map((peer) => peer.publicKey));
  const claimed = new Set(want.peers.flatMap((peer) => peer.allowedIPs));
  const present = new Map(have.peers.map((peer) => [peer.publicKey, peer]));
  const leftover = (publicKey: string) => present.get(publicKey)?.allowedIPs.filter((cidr) => !claimed.has(cidr)) ?? [];
  return {
    put: [
      ...configureSteps(want, have),
      ...want.peers.flatMap((peer) => peerSteps(peer, present.get(peer.publicKey), leftover(peer.publicKey), context)),
    ],
    remove: [
      ...want.peers
        .filter(({ publicKey }) => leftover(publicKey).length > 0)
        .map(({ publicKey, allowedIPs }) => ({ op: "peer", publicKey, allowedIPs }) as const),
      ...have.peers
        .filter((peer) => !wanted.has(peer.publicKey))
        .map(({ publicKey }) => ({ op: "remove", publicKey }) as const),
    ],
  };
}

function configureSteps(want: WireGuardInterface, have: ObservedWireGuard): WireGuardStep[] {
  const differences = {
    ...(want.privateKey !== have.privateKey && { privateKey: want.privateKey }),
    ...(want.listenPort !== have.listenPort && { listenPort: want.listenPort }),
    ...(want.fwmark !== have.fwmark && { fwmark: want.fwmark }),
  };
  return Object.keys(differences).length === 0 ? [] : [{ op: "configure", ...differences }];
}

/** @param leftover allowed IPs that it has and keeps for now */
function peerSteps(
  want: WireGuardPeer,
  have: ObservedPeer | undefined,
  leftover: readonly string[],
  context: EndpointContext,
): WireGuardStep[] {
  const { publicKey, endpoint, allowedIPs, persistentKeepalive } = want;
  if (have === undefined) {
    return [{ op: "peer", publicKey, endpoint, allowedIPs, persistentKeepalive }];
  }
  const differences = {
    ...(mustSetEndpoint(want, have, context) && { endpoint }),
    ...(!includesAll(have.allowedIPs, allowedIPs) && { allowedIPs: [...allowedIPs, ...leftover] }),
    ...(persistentKeepalive !== have.persistentKeepalive && { persistentKeepalive }),
  };
  return Object.keys(differences).length === 0 ? [] : [{ op: "peer", publicKey, ...differences }];
}

/**
 * A peer that roamed answers from where it is now: its endpoint is left alone while handshakes succeed, unless it was
 * told to be elsewhere since. One that has none yet, whose name was not found before, is told at once.
 */
function mustSetEndpoint(want: WireGuardPeer, have: ObservedPeer, { now, lastWanted }: EndpointContext): boolean {
  if (want.endpoint === undefined || want.endpoint === have.endpoint) {
    return false;
  }
  if (have.endpoint === undefined) {
    return true;
  }
  const last = lastWanted.get(want.publicKey);
  const toldAnew = last !== undefined && last !== want.endpoint;
  return toldAnew || now - have.latestHandshake > HANDSHAKE_STALE;
}

/** Both are canonical text; their order means nothing. */
function includesAll(list: readonly string[], wanted: readonly string[]): boolean {
  const present = new Set(list);
  return wanted.every((cidr) => present.has(cidr));
}
