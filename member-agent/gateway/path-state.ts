import { familyOf } from "../../mesh/cidr.ts";
import type { TunnelKind } from "../../mesh/resources.ts";
import { MESH_VXLAN, wireGuardDevice } from "../../tunnel/marks.ts";
import type { Remote, RemoteGateway } from "../situation.ts";
import { peerKey } from "./heard.ts";
import type { Heard } from "./heard.ts";
import { PEER_SILENCE_MS } from "./kinds.ts";
import type { KindFacts } from "./kinds.ts";

/**
 * How one tunnel to one remote gateway is. `never`: not heard so far. `gone`: there is no device, or no such peer.
 * `behindNAT`: VXLAN can't pass. `undialable`: neither side can dial the other, and it was not heard either.
 */
export type PathState = "heard" | "silent" | "never" | "gone" | "behindNAT" | "undialable";

/** What this gateway knows of its tunnels at one moment. */
export interface TunnelFacts extends KindFacts {
  readonly rank: number;
  readonly behindNAT: boolean;
  /** Whether others can dial this gateway. */
  readonly dialable: boolean;
  /** Names of our devices that are there. */
  readonly devices: ReadonlySet<string>;
  /** WireGuard peers that are there, by {@link peerKey}. */
  readonly peers: ReadonlySet<string>;
  readonly heard: Heard;
}

/** A tunnel that is silent for longer than this is not known to be well. */
export const SILENCE_MS: Readonly<Record<TunnelKind, number>> = {
  WireGuard: PEER_SILENCE_MS,
  /** A probe goes out every 5 s: three without an answer, and some time for a busy machine. */
  VXLAN: 17_000,
};

export function pathState(remote: Remote, gateway: RemoteGateway, kind: TunnelKind, facts: TunnelFacts): PathState {
  return kind === "WireGuard" ? wireGuardState(gateway, facts) : vxlanState(remote, gateway, facts);
}

function wireGuardState(gateway: RemoteGateway, facts: TunnelFacts): PathState {
  const { rank, publicKey, endpoint, behindNAT } = gateway;
  const key = peerKey(wireGuardDevice(facts.rank, rank), publicKey);
  if (!facts.peers.has(key)) return "gone";
  const { atMs } = facts.heard.get(key) ?? {};
  if (atMs !== undefined && facts.nowMs - atMs <= SILENCE_MS.WireGuard) return "heard";
  if (endpoint === undefined && behindNAT && !facts.dialable) return "undialable";
  return atMs === undefined ? "never" : "silent";
}

function vxlanState(remote: Remote, gateway: RemoteGateway, facts: TunnelFacts): PathState {
  if (facts.behindNAT || gateway.behindNAT) return "behindNAT";
  if (gateway.endpoint !== undefined && !facts.devices.has(MESH_VXLAN[familyOf(gateway.endpoint)])) return "gone";
  const { provenMs } = facts.hearing(remote.name, gateway.rank, "VXLAN") ?? {};
  if (provenMs === undefined) return "never";
  return facts.nowMs - provenMs <= SILENCE_MS.VXLAN ? "heard" : "silent";
}
