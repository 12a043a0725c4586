import type { PairStatus } from "../../mesh/resources.ts";
import type { Clock } from "../../platform/clock.ts";
import type { Run } from "../../platform/run.ts";
import { observeTunnels } from "../../tunnel/observe.ts";
import type { ObservedTunnel } from "../../tunnel/observe.ts";
import type { Situation } from "../situation.ts";
import { judgePair, listen, pairStatus } from "./pair-state.ts";
import type { Heard, PeerSample } from "./pair-state.ts";

/** Listens to this gateway's tunnels by their counters, and keeps what it can say of each linked cluster. */
export class TunnelWatcher {
  readonly #run: Run;
  readonly #clock: Clock;
  #heard: Heard = new Map();
  #pairs: ReadonlyMap<string, PairStatus> = new Map();

  constructor(run: Run, clock: Clock) {
    this.#run = run;
    this.#clock = clock;
  }

  /** What was judged last, one a linked cluster. */
  get pairs(): readonly PairStatus[] {
    return [...this.#pairs.values()];
  }

  /** Looks again. Resolves with whether any pair's state or reason is another now. */
  async look(situation: Situation): Promise<boolean> {
    const { gateway, self, remotes } = situation;
    if (gateway === undefined) return false;
    const samples = samplesOf(await observeTunnels(this.#run), this.#clock.now());
    const nowMs = this.#clock.monotonic();
    this.#heard = listen(this.#heard, samples, nowMs);
    const now = new Date(this.#clock.now()).toISOString();
    const before = this.#pairs;
    this.#pairs = new Map(
      remotes.map((remote) => {
        const judged = judgePair(remote, gateway.rank, samples, this.#heard, nowMs);
        return [remote.name, pairStatus(self.name, remote, judged, before.get(remote.name), now)];
      }),
    );
    return before.size !== this.#pairs.size || this.pairs.some((pair) => pair.since !== before.get(pair.to)?.since);
  }
}

/** @param nowMs wall clock: handshakes are told by it */
function samplesOf(tunnels: readonly ObservedTunnel[], nowMs: number): PeerSample[] {
  return tunnels.flatMap((tunnel) =>
    tunnel.kind !== "WireGuard" || "error" in tunnel.wireGuard
      ? []
      : tunnel.wireGuard.peers.map(({ publicKey, latestHandshake, rxBytes }) => ({
          device: tunnel.link.name,
          publicKey,
          handshakeAgeMs: latestHandshake === 0 ? undefined : Math.max(0, nowMs - latestHandshake * 1000),
          rxBytes,
        })),
  );
}
