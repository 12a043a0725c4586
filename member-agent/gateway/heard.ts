/** What WireGuard's own counters tell of its peers. */

/** One WireGuard peer as the kernel knows it. */
export interface PeerSample {
  readonly device: string;
  readonly publicKey: string;
  /** Milliseconds since the latest handshake; absent: there was none. */
  readonly handshakeAgeMs: number | undefined;
  readonly rxBytes: number;
}

/** When each peer was last heard, by {@link peerKey}; monotonic milliseconds. */
export type Heard = ReadonlyMap<string, { readonly rxBytes: number; readonly atMs: number }>;

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

/** Names a peer of one of our devices. */
export function peerKey(device: string, publicKey: string): string {
  return `${device} ${publicKey}`;
}
