import { TUNNEL_KINDS } from "../../mesh/resources.ts";
import type { TunnelKind } from "../../mesh/resources.ts";

/**
 * Changing a link's kind without loss: for a while both kinds are accepted, and a side sends by the new one when it is
 * proven. Pure: the next state follows from the last one, what the view wants, what was heard, and the time.
 */

/** By which kinds of tunnel a linked cluster is reached. */
export interface KindState {
  /** Kinds whose tunnels are there: one, or both while the link's kind changes. */
  readonly accepts: readonly TunnelKind[];
  /** The kind that packets leave by; one of `accepts`. */
  readonly sends: TunnelKind;
  /** Monotonic milliseconds since when another kind is wanted than packets leave by; absent: none is. */
  readonly changingSinceMs?: number;
  /** Monotonic milliseconds of the last moment when the kind that packets do not leave by was of use to either side. */
  readonly otherUsedMs?: number;
}

/** What was last heard by one kind of tunnel of one gateway; monotonic milliseconds. */
export interface PathHeard {
  /** When the latest of our probes was sent that was answered: then the path was well in both directions. */
  readonly provenMs?: number;
  /** The kind that this probe said is wanted: whoever answers it keeps that kind for {@link GRACE_MS}. */
  readonly provenFor?: TunnelKind;
  /** When the gateway last said anything by this path. */
  readonly heardMs?: number;
  /** The kinds that it said it sends to this cluster by, or wants to. */
  readonly theyUse?: readonly TunnelKind[];
  /** Round-trip time in milliseconds: the shortest of the latest answers. */
  readonly rttMs?: number;
}

/** What decides about one linked cluster. */
export interface LinkedBy {
  readonly name: string;
  /** What the link asks for. */
  readonly tunnel: TunnelKind;
  readonly gateways: readonly { readonly rank: number; readonly publicKey: string }[];
}

/** What was heard of the gateway of this rank of this cluster, by this kind; undefined: no such tunnel leads to it. */
export type Hearing = (cluster: string, rank: number, kind: TunnelKind) => PathHeard | undefined;

/** What is known at one moment. */
export interface KindFacts {
  readonly hearing: Hearing;
  /** When WireGuard's own counters last showed a sign of the peer with this key, monotonic milliseconds. */
  readonly peerHeardMs: (publicKey: string) => number | undefined;
  /** Monotonic milliseconds. */
  readonly nowMs: number;
}

/** What probes heard within this time is how it is. */
const RECENT_MS = 10_000;
/** WireGuard peers send a keepalive every 10 s: three of them missing, and some time for a busy machine, is silence. */
export const PEER_SILENCE_MS = 35_000;
/** For so long nothing is concluded from silence. */
export const EARLY_MS = 20_000;
/** The old kind stays for this long after both sides send by the new one. */
export const GRACE_MS = 30_000;

/** The next state of every cluster in `wanted`, and of no other. A cluster without a state starts by the kind wanted. */
export function nextKinds(
  before: ReadonlyMap<string, KindState>,
  wanted: readonly LinkedBy[],
  facts: KindFacts,
): ReadonlyMap<string, KindState> {
  return new Map(wanted.map((linked) => [linked.name, nextKind(before.get(linked.name), linked, facts)]));
}

function nextKind(before: KindState | undefined, linked: LinkedBy, facts: KindFacts): KindState {
  const { tunnel } = linked;
  const { hearing, nowMs } = facts;
  if (before === undefined) return { accepts: [tunnel], sends: tunnel };
  const { sends, changingSinceMs = nowMs } = before;
  if (sends !== tunnel) {
    const waits = unprovenGateways(linked, { sends, changingSinceMs }, facts).length > 0;
    if (waits) return { accepts: TUNNEL_KINDS, sends, changingSinceMs, otherUsedMs: nowMs };
    return { accepts: TUNNEL_KINDS, sends: tunnel, otherUsedMs: nowMs };
  }
  if (before.accepts.length === 1) return before;
  const old = sends === "WireGuard" ? "VXLAN" : "WireGuard";
  const otherUsedMs = theyUse(linked, old, hearing) ? nowMs : (before.otherUsedMs ?? nowMs);
  return nowMs - otherUsedMs < GRACE_MS ? { accepts: TUNNEL_KINDS, sends, otherUsedMs } : { accepts: [sends], sends };
}

/**
 * Ranks of the gateways that keep a change waiting: those that are not proven by the wanted kind and may carry packets by
 * the present one. By WireGuard a gateway that carries any shows signs of life, its agent stopped or not. By VXLAN a
 * kernel without its agent is as silent as a machine that is gone: it is waited for until it is proven or its cluster
 * has it no more. Without any proof all are waited for.
 */
export function unprovenGateways(
  { name, tunnel, gateways }: LinkedBy,
  { sends, changingSinceMs = 0 }: Pick<KindState, "sends" | "changingSinceMs">,
  { hearing, peerHeardMs, nowMs }: KindFacts,
): number[] {
  const isWithin = (ms: number | undefined, limitMs: number): boolean => ms !== undefined && nowMs - ms <= limitMs;
  const isProven = (rank: number): boolean => {
    const heard = hearing(name, rank, tunnel);
    return heard?.provenFor === tunnel && isWithin(heard.provenMs, RECENT_MS);
  };
  const mayCarry = (rank: number, publicKey: string): boolean =>
    isWithin(changingSinceMs, EARLY_MS) ||
    TUNNEL_KINDS.some((kind) => isWithin(hearing(name, rank, kind)?.heardMs, RECENT_MS)) ||
    (sends === "WireGuard"
      ? isWithin(peerHeardMs(publicKey), PEER_SILENCE_MS)
      : hearing(name, rank, sends) !== undefined);
  const unproven = gateways.filter(({ rank }) => !isProven(rank));
  const waitedFor =
    unproven.length === gateways.length
      ? unproven
      : unproven.filter(({ rank, publicKey }) => mayCarry(rank, publicKey));
  return waitedFor.map(({ rank }) => rank);
}

/** Whether the last word of any of their gateways, however old, was that it sends by `kind` or wants to. */
function theyUse({ name, gateways }: LinkedBy, kind: TunnelKind, hearing: Hearing): boolean {
  return gateways.some(({ rank }) => {
    const [one, other] = TUNNEL_KINDS.map((by) => hearing(name, rank, by));
    const latest = (one?.heardMs ?? -1) >= (other?.heardMs ?? -1) ? one : other;
    return latest?.theyUse?.includes(kind) ?? false;
  });
}
