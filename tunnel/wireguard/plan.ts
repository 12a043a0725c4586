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

/** Steps that make `have` hold what `want` says: gone peers first, for their allowed IPs may be another's now. */
export function planWireGuard(
  want: WireGuardInterface,
  have: ObservedWireGuard,
  context: EndpointContext,
): WireGuardStep[] {
  const wanted = new Set(want.peers.map((peer) => peer.publicKey));
  const present = new Map(have.peers.map((peer) => [peer.publicKey, peer]));
  return [
    ...configureSteps(want, have),
    ...have.peers
      .filter((peer) => !wanted.has(peer.publicKey))
      .map(({ publicKey }) => ({ op: "remove", publicKey }) as const),
    ...want.peers.flatMap((peer) => peerSteps(peer, present.get(peer.publicKey), context)),
  ];
}

function configureSteps(want: WireGuardInterface, have: ObservedWireGuard): WireGuardStep[] {
  const differences = {
    ...(want.privateKey !== have.privateKey && { privateKey: want.privateKey }),
    ...(want.listenPort !== have.listenPort && { listenPort: want.listenPort }),
    ...(want.fwmark !== have.fwmark && { fwmark: want.fwmark }),
  };
  return Object.keys(differences).length === 0 ? [] : [{ op: "configure", ...differences }];
}

function peerSteps(want: WireGuardPeer, have: ObservedPeer | undefined, context: EndpointContext): WireGuardStep[] {
  const { publicKey, endpoint, allowedIPs, persistentKeepalive } = want;
  if (have === undefined) {
    return [{ op: "peer", publicKey, endpoint, allowedIPs, persistentKeepalive }];
  }
  const differences = {
    ...(mustSetEndpoint(want, have, context) && { endpoint }),
    ...(!sameAllowedIPs(allowedIPs, have.allowedIPs) && { allowedIPs }),
    ...(persistentKeepalive !== have.persistentKeepalive && { persistentKeepalive }),
  };
  return Object.keys(differences).length === 0 ? [] : [{ op: "peer", publicKey, ...differences }];
}

/**
 * A peer that roamed answers from where it is now: its endpoint is left alone while handshakes succeed, unless it was
 * told to be elsewhere since.
 */
function mustSetEndpoint(want: WireGuardPeer, have: ObservedPeer, { now, lastWanted }: EndpointContext): boolean {
  if (want.endpoint === undefined || want.endpoint === have.endpoint) {
    return false;
  }
  const last = lastWanted.get(want.publicKey);
  const toldAnew = last !== undefined && last !== want.endpoint;
  return toldAnew || now - have.latestHandshake > HANDSHAKE_STALE;
}

/** Both are canonical text; their order means nothing. */
function sameAllowedIPs(want: readonly string[], have: readonly string[]): boolean {
  const wanted = new Set(want);
  return wanted.size === have.length && have.every((cidr) => wanted.has(cidr));
}
