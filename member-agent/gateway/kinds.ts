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
  /** Round-trip time in milliseconds, measured by the latest answer. */
  readonly rttMs?: number;
}

/** What decides about one linked cluster. */
export interface LinkedBy {
  readonly name: string;
  /** What the link asks for. */
  readonly tunnel: TunnelKind;
  readonly gateways: readonly { readonly rank: number }[];
}

/** What was heard of the gateway of this rank of this cluster, by this kind. */
export type Hearing = (cluster: string, rank: number, kind: TunnelKind) => PathHeard | undefined;

/** What was heard within this time is how it is; a gateway that is silent for longer is waited for no more. */
export const RECENT_MS = 10_000;
/** The old kind stays for this long after both sides send by the new one. */
export const GRACE_MS = 30_000;

/** Every kind there is. */
export const BOTH_KINDS: readonly TunnelKind[] = ["WireGuard", "VXLAN"];

/** The next state of every cluster in `wanted`, and of no other. A cluster without a state starts by the kind wanted. */
export function nextKinds(
  before: ReadonlyMap<string, KindState>,
  wanted: readonly LinkedBy[],
  hearing: Hearing,
  nowMs: number,
): ReadonlyMap<string, KindState> {
  return new Map(wanted.map((linked) => [linked.name, nextKind(before.get(linked.name), linked, hearing, nowMs)]));
}

function nextKind(before: KindState | undefined, linked: LinkedBy, hearing: Hearing, nowMs: number): KindState {
  const { tunnel } = linked;
  if (before === undefined) return { accepts: [tunnel], sends: tunnel };
  const { sends, changingSinceMs = nowMs } = before;
  if (sends !== tunnel) {
    const waits = unprovenGateways(linked, { sends, changingSinceMs }, hearing, nowMs).length > 0;
    if (waits) return { accepts: BOTH_KINDS, sends, changingSinceMs, otherUsedMs: nowMs };
    return { accepts: BOTH_KINDS, sends: tunnel, otherUsedMs: nowMs };
  }
  if (before.accepts.length === 1) return before;
  const old = sends === "WireGuard" ? "VXLAN" : "WireGuard";
  const otherUsedMs = theyUse(linked, old, hearing) ? nowMs : (before.otherUsedMs ?? nowMs);
  return nowMs - otherUsedMs < GRACE_MS ? { accepts: BOTH_KINDS, sends, otherUsedMs } : { accepts: [sends], sends };
}

/**
 * Ranks of the gateways that keep a change waiting. Every one that was heard lately must be proven by the wanted kind; a
 * silent one counts for the first seconds only, for packets to it are lost by either kind. Without any proof all count.
 */
export function unprovenGateways(
  { name, tunnel, gateways }: LinkedBy,
  { sends, changingSinceMs = 0 }: Pick<KindState, "sends" | "changingSinceMs">,
  hearing: Hearing,
  nowMs: number,
): number[] {
  const isRecent = (ms: number | undefined): boolean => ms !== undefined && nowMs - ms <= RECENT_MS;
  const isProven = (rank: number): boolean => {
    const heard = hearing(name, rank, tunnel);
    return heard?.provenFor === tunnel && isRecent(heard.provenMs);
  };
  const isHeard = (rank: number): boolean =>
    [tunnel, sends].some((kind) => isRecent(hearing(name, rank, kind)?.heardMs));
  const ranks = gateways.map(({ rank }) => rank);
  const unproven = ranks.filter((rank) => !isProven(rank));
  const isEarly = nowMs - changingSinceMs <= RECENT_MS;
  return isEarly || unproven.length === ranks.length ? unproven : unproven.filter(isHeard);
}

/** Whether the last word of any of their gateways, however old, was that it sends by `kind` or wants to. */
function theyUse({ name, gateways }: LinkedBy, kind: TunnelKind, hearing: Hearing): boolean {
  return gateways.some(({ rank }) => {
    const [one, other] = BOTH_KINDS.map((by) => hearing(name, rank, by));
    const latest = (one?.heardMs ?? -1) >= (other?.heardMs ?? -1) ? one : other;
    return latest?.theyUse?.includes(kind) ?? false;
  });
}
