import type { PairState, PairStatus } from "../../mesh/resources.ts";
import { wireGuardDevice } from "../../tunnel/marks.ts";
import type { Remote } from "../situation.ts";

/** One WireGuard peer as the kernel knows it. */
export interface PeerSample {
  readonly device: string;
  readonly publicKey: string;
  /** Milliseconds since the latest handshake; absent: there was none. */
  readonly handshakeAgeMs: number | undefined;
  readonly rxBytes: number;
}

/** When each peer was last heard, by device and public key; monotonic milliseconds. */
export type Heard = ReadonlyMap<string, { readonly rxBytes: number; readonly atMs: number }>;

/** A peer sends a keepalive every 10 s: three of them missing, and some time for a busy machine, is silence. */
export const SILENCE_MS = 35_000;

/**
 * Peers whose counter grew were heard now; one seen for the first time was heard when it last shook hands. A counter
 * that fell is that of a device made anew, and so a peer seen for the first time.
 */
export function listen(before: Heard, samples: readonly PeerSample[], nowMs: number): Heard {
  return new Map(
    samples.flatMap((sample) => {
      const key = peerKey(sample.device, sample.publicKey);
      const last = before.get(key);
      if (last === undefined || sample.rxBytes < last.rxBytes) {
        const { rxBytes, handshakeAgeMs } = sample;
        return handshakeAgeMs === undefined ? [] : [[key, { rxBytes, atMs: nowMs - handshakeAgeMs }] as const];
      }
      return [[key, sample.rxBytes > last.rxBytes ? { rxBytes: sample.rxBytes, atMs: nowMs } : last] as const];
    }),
  );
}

export interface PairJudgement {
  readonly state: PairState;
  readonly reason: string;
  readonly message: string;
}

/** What this gateway can say of its paths to one remote cluster, from what it heard there. */
export function judgePair(
  remote: Remote,
  ownRank: number,
  samples: readonly PeerSample[],
  heard: Heard,
  nowMs: number,
): PairJudgement {
  if (remote.tunnel === "VXLAN") {
    return {
      state: "Unreachable",
      reason: "TunnelUnsupported",
      message: "this release carries WireGuard only; change the link's tunnel",
    };
  }
  if (remote.gateways.length === 0) {
    return {
      state: "Unreachable",
      reason: "NoGateways",
      message: `cluster "${remote.name}" has no gateway; is an agent with the gateway role running there?`,
    };
  }
  const present = new Set(samples.map((sample) => peerKey(sample.device, sample.publicKey)));
  const keys = remote.gateways.map((gateway) => peerKey(wireGuardDevice(ownRank, gateway.rank), gateway.publicKey));
  const gone = keys.filter((key) => !present.has(key));
  const silent = keys.filter((key) => nowMs - (heard.get(key)?.atMs ?? Number.NEGATIVE_INFINITY) > SILENCE_MS);
  const total = keys.length;
  if (gone.length === total) {
    return {
      state: "Unreachable",
      reason: "TunnelGone",
      message: `no tunnel device holds a peer of cluster "${remote.name}"; the agent is making it anew`,
    };
  }
  if (silent.length === 0)
    return {
      state: "Up",
      reason: "Heard",
      message: `tunnels heard within ${SILENCE_MS / 1000} s: ${total} of ${total}`,
    };
  if (silent.length < total)
    return { state: "Degraded", reason: "SomeSilent", message: `tunnels silent: ${silent.length} of ${total}` };
  if (keys.every((key) => !heard.has(key))) {
    return {
      state: "Pending",
      reason: "NoHandshake",
      message: `no handshake with cluster "${remote.name}" yet; are its WireGuard UDP ports open to here?`,
    };
  }
  return {
    state: "Doubtful",
    reason: "Silent",
    message: `nothing heard from cluster "${remote.name}" for ${SILENCE_MS / 1000} s; is its gateway up, and the path to it?`,
  };
}

/** The judgement as it is reported; `since` stays while state and reason do. */
export function pairStatus(
  from: string,
  remote: Remote,
  judged: PairJudgement,
  before: PairStatus | undefined,
  now: string,
): PairStatus {
  const unchanged = before !== undefined && before.state === judged.state && before.reason === judged.reason;
  return { from, to: remote.name, tunnel: remote.tunnel, ...judged, since: unchanged ? before.since : now };
}

function peerKey(device: string, publicKey: string): string {
  return `${device} ${publicKey}`;
}
