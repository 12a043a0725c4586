import type { PairStatus } from "../../mesh/resources.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Run } from "../../platform/run.ts";
import { sampleTunnels } from "../../tunnel/observe.ts";
import type { ObservedWireGuard } from "../../tunnel/wireguard/dump.ts";
import type { Situation } from "../situation.ts";
import { listen, peerKey } from "./heard.ts";
import type { Heard, PeerSample } from "./heard.ts";
import type { Hearing } from "./kinds.ts";
import { reportPair, roundTrip } from "./pair-report.ts";
import type { Reported } from "./pair-report.ts";
import { judgePair } from "./pair-state.ts";
import type { LeftOut } from "./pair-state.ts";
import { pathState } from "./path-state.ts";
import type { TunnelFacts } from "./path-state.ts";

export interface WatcherParts {
  readonly run: Run;
  readonly clock: Clock;
  /** Whether others can dial this gateway. */
  readonly dialable: () => boolean;
  /** What the probes heard. */
  readonly hearing: Hearing;
}

/** Listens to this gateway's tunnels, and keeps what it can say of each linked cluster. */
export class TunnelWatcher {
  readonly #parts: WatcherParts;
  #heard: Heard = new Map();
  #peers: ReadonlyMap<string, number> = new Map();
  #pairs: ReadonlyMap<string, Reported> = new Map();
  #silent: ReadonlySet<string> = new Set();

  constructor(parts: WatcherParts) {
    this.#parts = parts;
  }

  /** What was judged last, one a linked cluster. */
  get pairs(): readonly PairStatus[] {
    return [...this.#pairs.values()].map(({ status }) => status);
  }

  /** When WireGuard's counters last showed a sign of the peer with this key, by any device; monotonic milliseconds. */
  peerHeardMs(publicKey: string): number | undefined {
    return this.#peers.get(publicKey);
  }

  /** Public keys of the remote gateways that were not heard when it was looked last. */
  get silent(): ReadonlySet<string> {
    return this.#silent;
  }

  /** Looks again. Resolves with whether any pair's state or reason is another now. */
  async look(situation: Situation, refused: readonly LeftOut[]): Promise<boolean> {
    const { gateway, self, remotes } = situation;
    if (gateway === undefined) return false;
    const { run, clock, dialable, hearing } = this.#parts;
    const { devices, wireGuard } = await sampleTunnels(run);
    const wallMs = clock.now();
    const nowMs = clock.monotonic();
    const samples = samplesOf(wireGuard, wallMs);
    this.#heard = listen(this.#heard, samples, nowMs);
    this.#peers = lastHeard(samples, this.#heard);
    const facts: TunnelFacts = {
      rank: gateway.rank,
      behindNAT: gateway.behindNAT,
      dialable: dialable(),
      devices,
      peers: new Set(samples.map(({ device, publicKey }) => peerKey(device, publicKey))),
      heard: this.#heard,
      hearing,
      peerHeardMs: (publicKey) => this.peerHeardMs(publicKey),
      nowMs,
    };
    const refusedOf = Map.groupBy(refused, ({ cluster }) => cluster);
    const before = this.#pairs;
    this.#pairs = new Map(
      remotes.map((remote) => {
        const judged = judgePair(remote, refusedOf.get(remote.name) ?? [], facts);
        const measured = { ...judged, rttMs: roundTrip(remote, facts) };
        return [remote.name, reportPair(self.name, remote, measured, before.get(remote.name), wallMs)];
      }),
    );
    this.#silent = new Set(
      remotes.flatMap((remote) =>
        remote.gateways
          .filter((each) => pathState(remote, each, remote.sends, facts) !== "heard")
          .map(({ publicKey }) => publicKey),
      ),
    );
    return (
      before.size !== this.#pairs.size || this.pairs.some(({ to, since }) => since !== before.get(to)?.status.since)
    );
  }
}

function lastHeard(samples: readonly PeerSample[], heard: Heard): ReadonlyMap<string, number> {
  const peers = new Map<string, number>();
  for (const { device, publicKey } of samples) {
    const atMs = heard.get(peerKey(device, publicKey))?.atMs;
    if (atMs !== undefined) peers.set(publicKey, Math.max(atMs, peers.get(publicKey) ?? atMs));
  }
  return peers;
}

/** @param nowMs wall clock: handshakes are told by it */
function samplesOf(interfaces: readonly ObservedWireGuard[], nowMs: number): PeerSample[] {
  return interfaces.flatMap(({ name, peers }) =>
    peers.map(({ publicKey, latestHandshake, rxBytes }) => ({
      device: name,
      publicKey,
      handshakeAgeMs: latestHandshake === 0 ? undefined : Math.max(0, nowMs - latestHandshake * 1000),
      rxBytes,
    })),
  );
}
