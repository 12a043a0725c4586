import { describe, expect, test } from "@jest/globals";
import type { TunnelKind } from "../../mesh/resources.ts";
import type { Remote } from "../situation.ts";
import { remoteCluster } from "../testing/situations.ts";
import { listen, peerKey } from "./heard.ts";
import type { Heard, PeerSample } from "./heard.ts";
import type { PathHeard } from "./kinds.ts";
import { reportPair, roundTrip } from "./pair-report.ts";
import { judgePair } from "./pair-state.ts";
import { SILENCE_MS } from "./path-state.ts";
import type { TunnelFacts } from "./path-state.ts";

const remote = remoteCluster(2, [0, 1]);
const overVXLAN: Remote = { ...remote, tunnel: "VXLAN", accepts: ["VXLAN"], sends: "VXLAN" };
const SILENT_MS = SILENCE_MS.WireGuard + 1;

function facts(changes: Partial<TunnelFacts> = {}): TunnelFacts {
  return {
    rank: 0,
    behindNAT: false,
    dialable: true,
    devices: new Set(["trs0-0", "trs0-1", "trsvx"]),
    peers: new Set(),
    heard: new Map(),
    hearing: () => undefined,
    peerHeardMs: () => undefined,
    nowMs: 1_000,
    ...changes,
  };
}

/** What the probes heard of the gateways of rank 0 and 1, by VXLAN unless told. */
function probed(paths: readonly (PathHeard | undefined)[], kind: TunnelKind = "VXLAN"): Partial<TunnelFacts> {
  return { hearing: (_, rank, by) => (by === kind ? paths[rank] : undefined) };
}

function sample(rank: number, rxBytes: number, handshakeAgeMs: number | undefined): PeerSample {
  return { device: `trs0-${rank}`, publicKey: `key-2-${rank}`, handshakeAgeMs, rxBytes };
}

/** What WireGuard's counters tell after looking at them at these moments. */
function counted(
  rounds: readonly { readonly atMs: number; readonly samples: readonly PeerSample[] }[],
  nowMs: number,
): TunnelFacts {
  const heard = rounds.reduce<Heard>((before, { atMs, samples }) => listen(before, samples, atMs), new Map());
  const peers = new Set(rounds.at(-1)?.samples.map(({ device, publicKey }) => peerKey(device, publicKey)));
  return facts({ heard, peers, nowMs });
}

const BOTH_THERE = [sample(0, 0, undefined), sample(1, 0, undefined)];
const BOTH_HEARD = [sample(0, 100, 10), sample(1, 100, 10)];

describe("over WireGuard", () => {
  test("a tunnel that never shook hands is pending", () => {
    expect(judgePair(remote, [], counted([{ atMs: 0, samples: BOTH_THERE }], 1_000))).toMatchObject({
      state: "Pending",
      reason: "NoHandshake",
    });
  });

  test("a pair is up when every tunnel was heard lately, and degraded when only some were", () => {
    expect(judgePair(remote, [], counted([{ atMs: 0, samples: BOTH_HEARD }], 1_000)).state).toBe("Up");
    const one = [sample(0, 200, SILENT_MS), sample(1, 100, SILENT_MS)];
    const rounds = [
      { atMs: 0, samples: BOTH_HEARD },
      { atMs: SILENT_MS, samples: one },
    ];
    expect(judgePair(remote, [], counted(rounds, SILENT_MS))).toMatchObject({
      state: "Degraded",
      reason: "SomeSilent",
    });
  });

  test("a recent handshake alone does not keep a silent tunnel up", () => {
    const later = [sample(0, 100, SILENT_MS - 1), sample(1, 100, SILENT_MS - 1)];
    const rounds = [
      { atMs: 0, samples: BOTH_HEARD },
      { atMs: SILENT_MS, samples: later },
    ];
    expect(judgePair(remote, [], counted(rounds, SILENT_MS))).toMatchObject({ state: "Doubtful", reason: "Silent" });
  });

  test("a tunnel that was made anew is heard by its new counter, however much the old one had counted", () => {
    const rounds = [
      { atMs: 0, samples: [sample(0, 9_000_000, 10), sample(1, 9_000_000, 10)] },
      { atMs: 60_000, samples: BOTH_THERE },
      { atMs: 61_000, samples: [sample(0, 92, 10), sample(1, 92, 10)] },
    ];
    expect(judgePair(remote, [], counted(rounds.slice(0, 2), 60_000))).toMatchObject({ reason: "NoHandshake" });
    expect(judgePair(remote, [], counted(rounds, 61_000))).toMatchObject({ state: "Up" });
  });

  test("an old handshake found at the start proves nothing", () => {
    const samples = [sample(0, 100, SILENT_MS * 2), sample(1, 100, SILENT_MS * 2)];
    expect(judgePair(remote, [], counted([{ atMs: 1_000_000, samples }], 1_000_000)).state).toBe("Doubtful");
  });

  test("two sides of which neither can be dialled are told so, until they hear each other all the same", () => {
    const hidden = {
      ...remote,
      gateways: remote.gateways.map((each) => ({ ...each, endpoint: undefined, behindNAT: true })),
    };
    const there = { ...counted([{ atMs: 0, samples: BOTH_THERE }], 1_000), dialable: false };
    expect(judgePair(hidden, [], there)).toMatchObject({ state: "Unreachable", reason: "BothBehindNAT" });
    expect(judgePair(hidden, [], { ...there, dialable: true })).toMatchObject({
      state: "Pending",
      reason: "NoHandshake",
    });
    const heard = { ...counted([{ atMs: 0, samples: BOTH_HEARD }], 1_000), dialable: false };
    expect(judgePair(hidden, [], heard).state).toBe("Up");
  });

  test("gateways whose names are of no address are told so", () => {
    const nameless = { ...remote, gateways: remote.gateways.map((each) => ({ ...each, endpoint: undefined })) };
    expect(judgePair(nameless, [], counted([{ atMs: 0, samples: BOTH_THERE }], 1_000))).toMatchObject({
      state: "Pending",
      reason: "NoEndpoint",
    });
  });
});

describe("over VXLAN", () => {
  const well: PathHeard = { provenMs: 900, rttMs: 2 };

  test.each<[string, Partial<TunnelFacts>, { state: string; reason: string }]>([
    ["every path was proven lately", probed([well, well]), { state: "Up", reason: "Heard" }],
    ["only one was", probed([well, undefined]), { state: "Degraded", reason: "SomeSilent" }],
    ["none ever was", {}, { state: "Pending", reason: "NoAnswer" }],
    ["only theirs are heard", probed([{ heardMs: 900 }, { heardMs: 900 }]), { state: "Pending", reason: "NoAnswer" }],
    [
      "all that were are silent",
      { ...probed([well, undefined]), nowMs: 60_000 },
      { state: "Doubtful", reason: "Silent" },
    ],
    [
      "the device is gone",
      { ...probed([well, well]), devices: new Set(["trs0-0"]) },
      { state: "Unreachable", reason: "TunnelGone" },
    ],
    ["this gateway is behind NAT", { behindNAT: true }, { state: "Unreachable", reason: "BehindNAT" }],
  ])("when %s", (_, changes, expected) => {
    expect(judgePair(overVXLAN, [], facts(changes))).toMatchObject(expected);
  });

  test("gateways behind NAT are out of reach, and those beside them are not", () => {
    const [first, second] = overVXLAN.gateways.map((each) => ({ ...each, behindNAT: true }));
    const all = { ...overVXLAN, gateways: [first, second].filter((each) => each !== undefined) };
    expect(judgePair(all, [], facts())).toMatchObject({
      state: "Unreachable",
      reason: "BehindNAT",
      message: expect.stringContaining('"c2"'),
    });
    const one = { ...overVXLAN, gateways: [...overVXLAN.gateways.slice(0, 1), ...all.gateways.slice(1)] };
    expect(judgePair(one, [], facts(probed([well])))).toMatchObject({ state: "Degraded", reason: "BehindNAT" });
  });

  test("the round-trip time is the mean of the paths that are well", () => {
    expect(roundTrip(overVXLAN, facts(probed([well, { provenMs: 900, rttMs: 3.333 }])))).toBe(2.67);
    expect(roundTrip(overVXLAN, facts({ ...probed([well, well]), nowMs: 60_000 }))).toBeUndefined();
    expect(roundTrip(overVXLAN, facts())).toBeUndefined();
  });
});

test("a pair without device or without remote gateway is unreachable, and says which", () => {
  expect(judgePair(remote, [], facts())).toMatchObject({ state: "Unreachable", reason: "TunnelGone" });
  expect(judgePair(remoteCluster(2, []), [], facts())).toMatchObject({ state: "Unreachable", reason: "NoGateways" });
});

test("a link whose kind is being changed says so while it is well by the old one, and names who is waited for", () => {
  const changing: Remote = { ...remote, tunnel: "VXLAN", accepts: ["WireGuard", "VXLAN"] };
  const up = counted([{ atMs: 0, samples: BOTH_HEARD }], 1_000);
  const judged = judgePair(changing, [], up);
  expect(judged).toMatchObject({ state: "Up", reason: "KindChanging" });
  expect(judged.message).toContain("still by WireGuard: VXLAN is not proven to gateways gw0, gw1 yet");
  expect(judgePair(changing, [], counted([{ atMs: 0, samples: BOTH_THERE }], 1_000)).reason).toBe("NoHandshake");
});

test("prefixes that were refused degrade a pair that is well, by name", () => {
  const up = counted([{ atMs: 0, samples: BOTH_HEARD }], 1_000);
  const message = "192.168.1.0/24 is not routed: it overlaps the LAN";
  const refused = [{ kind: "prefix", message }] as const;
  expect(judgePair(remote, refused, up)).toMatchObject({ state: "Degraded", reason: "PrefixRefused", message });
  expect(judgePair(remote, refused, counted([{ atMs: 0, samples: BOTH_THERE }], 1_000)).reason).toBe("NoHandshake");
  expect(judgePair(remote, refused, facts()).reason).toBe("TunnelGone");
});

test("a gateway that was left out may be why nothing is heard, or why there is none", () => {
  const message = 'of cluster "c2" gateway "a" is left out: 16 is not a rank';
  const refused = [{ kind: "gateway", message }] as const;
  const there = counted([{ atMs: 0, samples: BOTH_THERE }], 1_000);
  expect(judgePair(remote, refused, there)).toEqual({ state: "Pending", reason: "GatewayRefused", message });
  expect(judgePair({ ...remote, gateways: [] }, refused, there)).toEqual({
    state: "Unreachable",
    reason: "GatewayRefused",
    message,
  });
  expect(judgePair(remote, refused, facts()).reason).toBe("TunnelGone");
});

test("an endpoint that was refused may be why nothing is heard", () => {
  const message = "gw0 is not dialled at 10.2.0.9: it lies in another cluster's prefix";
  const refused = [{ kind: "endpoint", message }] as const;
  const there = counted([{ atMs: 0, samples: BOTH_THERE }], 1_000);
  expect(judgePair(remote, refused, there)).toEqual({ state: "Pending", reason: "EndpointRefused", message });
  const up = counted([{ atMs: 0, samples: BOTH_HEARD }], 1_000);
  expect(judgePair(remote, refused, up)).toEqual({ state: "Degraded", reason: "EndpointRefused", message });
  expect(judgePair(remote, refused, facts()).reason).toBe("TunnelGone");
});

describe("what is reported", () => {
  const up = { state: "Up", reason: "Heard", message: "" } as const;

  test("since stays as long as state and reason do", () => {
    const first = reportPair("c1", remote, up, undefined, 0);
    const second = reportPair("c1", remote, up, first, 86_400_000);
    const third = reportPair("c1", remote, { ...up, state: "Doubtful" }, second, 2 * 86_400_000);
    expect([second, third].map(({ status }) => status.since)).toEqual([
      "1970-01-01T00:00:00.000Z",
      "1970-01-03T00:00:00.000Z",
    ]);
  });

  test("numbers are said anew with a change, else twice a minute, so that nothing is written for each of them", () => {
    const first = reportPair("c1", remote, { ...up, rttMs: 1 }, undefined, 0);
    const soon = reportPair("c1", remote, { ...up, rttMs: 2 }, first, 29_999);
    expect(soon.status).toEqual(first.status);
    expect(reportPair("c1", remote, { ...up, rttMs: 3 }, soon, 30_000).status.rttMs).toBe(3);
    expect(reportPair("c1", remote, { ...up, state: "Degraded", rttMs: 4 }, first, 1).status.rttMs).toBe(4);
  });
});
