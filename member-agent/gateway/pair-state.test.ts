import { expect, test } from "@jest/globals";
import { remoteCluster } from "../testing/situations.ts";
import type { Heard, PeerSample } from "./pair-state.ts";
import { judgePair, listen, pairStatus, SILENCE_MS } from "./pair-state.ts";

const remote = remoteCluster(2, [0, 1]);

function sample(rank: number, rxBytes: number, handshakeAgeMs: number | undefined): PeerSample {
  return { device: `trs0-${rank}`, publicKey: `key-2-${rank}`, handshakeAgeMs, rxBytes };
}

function judgeAfter(
  rounds: readonly { readonly atMs: number; readonly samples: readonly PeerSample[] }[],
  nowMs: number,
) {
  const heard = rounds.reduce<Heard>((before, { atMs, samples }) => listen(before, samples, atMs), new Map());
  return judgePair(remote, 0, rounds.at(-1)?.samples ?? [], heard, nowMs);
}

test("a tunnel that never shook hands is pending", () => {
  const silent = [sample(0, 0, undefined), sample(1, 0, undefined)];
  expect(judgeAfter([{ atMs: 0, samples: silent }], 1_000)).toMatchObject({ state: "Pending", reason: "NoHandshake" });
});

test("a pair is up when every tunnel was heard lately, and degraded when only some were", () => {
  const both = [sample(0, 100, 10), sample(1, 100, 10)];
  expect(judgeAfter([{ atMs: 0, samples: both }], 1_000).state).toBe("Up");
  const one = [sample(0, 200, SILENCE_MS + 11), sample(1, 100, SILENCE_MS + 11)];
  expect(
    judgeAfter(
      [
        { atMs: 0, samples: both },
        { atMs: SILENCE_MS + 1, samples: one },
      ],
      SILENCE_MS + 1,
    ),
  ).toMatchObject({
    state: "Degraded",
    reason: "SomeSilent",
  });
});

test("a recent handshake alone does not keep a silent tunnel up", () => {
  const samples = [sample(0, 100, 10), sample(1, 100, 10)];
  const later = [sample(0, 100, SILENCE_MS), sample(1, 100, SILENCE_MS)];
  expect(
    judgeAfter(
      [
        { atMs: 0, samples },
        { atMs: SILENCE_MS, samples: later },
      ],
      SILENCE_MS + 1,
    ),
  ).toMatchObject({
    state: "Doubtful",
    reason: "Silent",
  });
});

test("a tunnel that was made anew is heard by its new counter, however much the old one had counted", () => {
  const samples = [sample(0, 9_000_000, 10), sample(1, 9_000_000, 10)];
  const made = [sample(0, 0, undefined), sample(1, 0, undefined)];
  const again = [sample(0, 92, 10), sample(1, 92, 10)];
  const rounds = [
    { atMs: 0, samples },
    { atMs: 60_000, samples: made },
    { atMs: 61_000, samples: again },
  ];
  expect(judgeAfter(rounds.slice(0, 2), 60_000)).toMatchObject({ state: "Pending", reason: "NoHandshake" });
  expect(judgeAfter(rounds, 61_000)).toMatchObject({ state: "Up" });
});

test("an old handshake found at the start proves nothing", () => {
  const samples = [sample(0, 100, SILENCE_MS * 2), sample(1, 100, SILENCE_MS * 2)];
  expect(judgeAfter([{ atMs: 1_000_000, samples }], 1_000_000).state).toBe("Doubtful");
});

test("a pair without device or without remote gateway is unreachable, and says which", () => {
  expect(judgePair(remote, 0, [], new Map(), 0)).toMatchObject({ state: "Unreachable", reason: "TunnelGone" });
  expect(judgePair(remoteCluster(2, []), 0, [], new Map(), 0)).toMatchObject({
    state: "Unreachable",
    reason: "NoGateways",
  });
});

test("since stays as long as state and reason do", () => {
  const up = { state: "Up", reason: "Heard", message: "" } as const;
  const first = pairStatus("c1", remote, up, undefined, "2026-01-01T00:00:00Z");
  const second = pairStatus("c1", remote, up, first, "2026-01-02T00:00:00Z");
  const third = pairStatus("c1", remote, { ...up, state: "Doubtful" }, second, "2026-01-03T00:00:00Z");
  expect([second.since, third.since]).toEqual(["2026-01-01T00:00:00Z", "2026-01-03T00:00:00Z"]);
});
