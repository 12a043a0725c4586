import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { TUNNEL_KINDS } from "../../mesh/resources.ts";
import type { TunnelKind } from "../../mesh/resources.ts";
import { systemClock } from "../../platform/clock.ts";
import type { Hearing, KindState, LinkedBy, PathHeard } from "./kinds.ts";
import { EARLY_MS, GRACE_MS, nextKinds } from "./kinds.ts";
import { PathProbe } from "./path-probe.ts";

const kinds = fc.constantFrom<TunnelKind>("WireGuard", "VXLAN");
const linked = (tunnel: TunnelKind, ranks: readonly number[] = [0]): LinkedBy => ({
  name: "west",
  tunnel,
  gateways: ranks.map((rank) => ({ rank, publicKey: `key-${rank}` })),
});
const deaf: Hearing = () => undefined;

/** Hears of each rank what the table says of it, by kind. */
function hears(table: Readonly<Record<number, Partial<Record<TunnelKind, PathHeard>>>>): Hearing {
  return (_, rank, kind) => table[rank]?.[kind];
}

const noPeer = (): undefined => undefined;

function next(
  before: KindState,
  wanted: LinkedBy,
  hearing: Hearing,
  nowMs: number,
  peerHeardMs: (publicKey: string) => number | undefined = noPeer,
): KindState | undefined {
  return nextKinds(new Map([["west", before]]), [wanted], { hearing, peerHeardMs, nowMs }).get("west");
}

const ON_WIREGUARD: KindState = { accepts: ["WireGuard"], sends: "WireGuard" };
const proven = (atMs: number): PathHeard => ({ provenMs: atMs, provenFor: "VXLAN", heardMs: atMs, theyUse: ["VXLAN"] });

describe("when another kind is wanted", () => {
  test("both are accepted at once, and packets leave by the old one", () => {
    expect(next(ON_WIREGUARD, linked("VXLAN"), deaf, 5)).toEqual({
      accepts: ["WireGuard", "VXLAN"],
      sends: "WireGuard",
      changingSinceMs: 5,
      otherUsedMs: 5,
    });
  });

  test.each<[string, KindState["sends"], LinkedBy, Hearing]>([
    [
      "every gateway is proven",
      "VXLAN",
      linked("VXLAN", [0, 1]),
      hears({ 0: { VXLAN: proven(9) }, 1: { VXLAN: proven(9) } }),
    ],
    ["one of them is not proven yet", "WireGuard", linked("VXLAN", [0, 1]), hears({ 0: { VXLAN: proven(9) } })],
    [
      "the proof answered a probe that asked for the old kind",
      "WireGuard",
      linked("VXLAN"),
      hears({ 0: { VXLAN: { ...proven(9), provenFor: "WireGuard" } } }),
    ],
    ["only the old kind is heard", "WireGuard", linked("VXLAN"), hears({ 0: { WireGuard: { heardMs: 9 } } })],
    ["there is no gateway, so nothing to lose", "VXLAN", linked("VXLAN", []), deaf],
  ])("and %s, packets leave by %s", (_, sends, wanted, hearing) => {
    const changing = next(ON_WIREGUARD, linked("VXLAN"), deaf, 5) as KindState;
    expect(next(changing, wanted, hearing, 10)).toMatchObject({ sends, accepts: ["WireGuard", "VXLAN"] });
  });

  test("a gateway that shows no sign of life is waited for a while only, and one that does for ever", () => {
    const changing = next(ON_WIREGUARD, linked("VXLAN"), deaf, 0) as KindState;
    const late = EARLY_MS + 1;
    const one = hears({ 0: { VXLAN: proven(late) } });
    expect(next(changing, linked("VXLAN", [0, 1]), one, EARLY_MS)?.sends).toBe("WireGuard");
    expect(next(changing, linked("VXLAN", [0, 1]), one, late)?.sends).toBe("VXLAN");
    const half = hears({ 0: { VXLAN: proven(late) }, 1: { WireGuard: { heardMs: late } } });
    expect(next(changing, linked("VXLAN", [0, 1]), half, late)?.sends).toBe("WireGuard");
  });

  test("a gateway whose agent is stopped, and whose kernel says by keepalives that it carries packets, is waited for", () => {
    const changing = next(ON_WIREGUARD, linked("VXLAN"), deaf, 0) as KindState;
    const late = 10 * EARLY_MS;
    const one = hears({ 0: { VXLAN: proven(late) } });
    const keepalives = (publicKey: string): number | undefined => (publicKey === "key-1" ? late - 1_000 : undefined);
    expect(next(changing, linked("VXLAN", [0, 1]), one, late, keepalives)?.sends).toBe("WireGuard");
  });

  test("over VXLAN, where a stopped agent is as silent as a dead machine, a silent gateway is waited for for ever", () => {
    const onVXLAN: KindState = { accepts: ["VXLAN"], sends: "VXLAN" };
    const changing = next(onVXLAN, linked("WireGuard", [0, 1]), deaf, 0) as KindState;
    const late = 10 * 86_400_000;
    const proven = { provenMs: late, provenFor: "WireGuard", heardMs: late } as const;
    const probe = new PathProbe(systemClock);
    const path = {
      cluster: "west",
      rank: 1,
      from: "10.0.0.1",
      to: "10.0.0.2",
      sends: "VXLAN",
      wants: "WireGuard",
    } as const;
    probe.follow(TUNNEL_KINDS.map((kind) => ({ ...path, kind })));
    const silent: Hearing = (cluster, rank, kind) =>
      rank === 0 ? (kind === "WireGuard" ? proven : undefined) : probe.heard(cluster, rank, kind);
    expect(next(changing, linked("WireGuard", [0, 1]), silent, late)?.sends).toBe("VXLAN");
    const isBack = hears({ 0: { WireGuard: proven }, 1: { WireGuard: proven, VXLAN: {} } });
    expect(next(changing, linked("WireGuard", [0, 1]), isBack, late)?.sends).toBe("WireGuard");
    expect(next(changing, linked("WireGuard", [0]), silent, late)?.sends).toBe("WireGuard");
  });

  test("a gateway that VXLAN does not lead to is waited for a while only", () => {
    const onVXLAN: KindState = { accepts: ["VXLAN"], sends: "VXLAN" };
    const changing = next(onVXLAN, linked("WireGuard", [0, 1]), deaf, 0) as KindState;
    const provenAt = (atMs: number): Hearing =>
      hears({ 0: { WireGuard: { provenMs: atMs, provenFor: "WireGuard", heardMs: atMs } }, 1: { WireGuard: {} } });
    expect(next(changing, linked("WireGuard", [0, 1]), provenAt(EARLY_MS), EARLY_MS)?.sends).toBe("VXLAN");
    const late = EARLY_MS + 1;
    expect(next(changing, linked("WireGuard", [0, 1]), provenAt(late), late)?.sends).toBe("WireGuard");
  });
});

describe("when packets leave by the kind wanted", () => {
  const changed: KindState = { accepts: ["WireGuard", "VXLAN"], sends: "VXLAN", otherUsedMs: 0 };

  test("the old kind goes after a grace, and not while any of their gateways last said that it uses it", () => {
    expect(next(changed, linked("VXLAN"), deaf, GRACE_MS - 1)?.accepts).toEqual(["WireGuard", "VXLAN"]);
    expect(next(changed, linked("VXLAN"), deaf, GRACE_MS)).toEqual({ accepts: ["VXLAN"], sends: "VXLAN" });
    const theyLag = hears({
      0: { VXLAN: { heardMs: 20, theyUse: ["WireGuard", "VXLAN"] }, WireGuard: { heardMs: 10, theyUse: ["VXLAN"] } },
    });
    expect(next(changed, linked("VXLAN"), theyLag, GRACE_MS)).toEqual({ ...changed, otherUsedMs: GRACE_MS });
  });

  test("a change back in the middle is one, and goes back when it is proven", () => {
    const back = next(changed, linked("WireGuard"), deaf, 5);
    expect(back).toMatchObject({ sends: "VXLAN", changingSinceMs: 5, accepts: ["WireGuard", "VXLAN"] });
    const heard = hears({ 0: { WireGuard: { provenMs: 6, provenFor: "WireGuard", heardMs: 6 } } });
    expect(next(back as KindState, linked("WireGuard"), heard, 7)).toMatchObject({ sends: "WireGuard" });
  });
});

test("a cluster is never without a kind and never sends by one that it does not accept, whatever is heard", () => {
  const heard = fc.record(
    {
      provenMs: fc.nat(60_000),
      provenFor: kinds,
      heardMs: fc.nat(60_000),
      theyUse: fc.subarray<TunnelKind>(["WireGuard", "VXLAN"]),
    },
    { requiredKeys: [] },
  );
  const rounds = fc.array(
    fc.record({ tunnel: kinds, heard: fc.array(heard, { minLength: 4, maxLength: 4 }), afterMs: fc.nat(40_000) }),
  );
  fc.assert(
    fc.property(rounds, (all) => {
      let states: ReadonlyMap<string, KindState> = new Map();
      let nowMs = 0;
      for (const round of all) {
        nowMs += round.afterMs;
        const hearing: Hearing = (_, rank, kind) => round.heard[rank * 2 + (kind === "VXLAN" ? 1 : 0)];
        states = nextKinds(states, [linked(round.tunnel, [0, 1])], { hearing, peerHeardMs: noPeer, nowMs });
        const state = states.get("west");
        expect(state?.accepts).toContain(state?.sends);
        expect(state?.accepts).toContain(round.tunnel);
      }
    }),
  );
});

/** Two clusters that hear each other by every kind that both accept, once a step; each is told the link's kind when it is. */
class TwoSides {
  readonly wanted: [TunnelKind, TunnelKind];
  readonly states: [KindState | undefined, KindState | undefined] = [undefined, undefined];
  readonly #heard = [new Map<TunnelKind, PathHeard>(), new Map<TunnelKind, PathHeard>()] as const;

  constructor(tunnel: TunnelKind) {
    this.wanted = [tunnel, tunnel];
  }

  step(side: 0 | 1, nowMs: number, isHeard: (kind: TunnelKind) => boolean): void {
    const hearing: Hearing = (_, __, kind) => this.#heard[side].get(kind);
    const wanted = [linked(this.wanted[side])];
    const before = this.states[side];
    const facts = { hearing, peerHeardMs: noPeer, nowMs };
    this.states[side] = nextKinds(new Map(before && [["west", before]]), wanted, facts).get("west");
    const other = side === 0 ? 1 : 0;
    for (const kind of this.#common(isHeard)) {
      this.#heard[other].set(kind, { ...this.#heard[other].get(kind), ...this.#word(side, nowMs) });
      const proof = { provenMs: nowMs, provenFor: this.wanted[side] };
      this.#heard[side].set(kind, { ...this.#heard[side].get(kind), ...proof, ...this.#word(other, nowMs) });
    }
  }

  #common(isHeard: (kind: TunnelKind) => boolean): TunnelKind[] {
    const [one, other] = this.states;
    return (one?.accepts ?? []).filter((kind) => other?.accepts.includes(kind) === true && isHeard(kind));
  }

  #word(side: 0 | 1, nowMs: number): PathHeard {
    const sends = this.states[side]?.sends ?? this.wanted[side];
    return { heardMs: nowMs, theyUse: [sends, this.wanted[side]] };
  }
}

test("each side accepts what the other sends at any time, however late either hears of a change", () => {
  const change = fc.record({ tunnel: kinds, afterMs: fc.nat(90_000), lagMs: fc.tuple(fc.nat(60_000), fc.nat(60_000)) });
  fc.assert(
    fc.property(kinds, fc.array(change, { maxLength: 5 }), fc.constantFrom(500, 999), (first, changes, stepMs) => {
      const sides = new TwoSides(first);
      for (const side of [0, 1] as const) sides.step(side, 0, () => true);
      const told: { readonly atMs: number; readonly side: 0 | 1; readonly tunnel: TunnelKind }[] = [];
      let saidMs = 1;
      const last: [number, number] = [0, 0];
      for (const { tunnel, afterMs, lagMs } of changes) {
        saidMs += afterMs;
        for (const side of [0, 1] as const) {
          last[side] = Math.max(last[side], saidMs + lagMs[side]);
          told.push({ atMs: last[side], side, tunnel });
        }
      }
      const holes: unknown[] = [];
      const endMs = Math.max(...last) + 2 * GRACE_MS;
      for (let nowMs = 0, side: 0 | 1 = 0; nowMs < endMs; nowMs += stepMs, side = side === 0 ? 1 : 0) {
        for (const news of told)
          if (news.atMs > nowMs - stepMs && news.atMs <= nowMs) sides.wanted[news.side] = news.tunnel;
        sides.step(side, nowMs, () => true);
        const [one, other] = sides.states;
        const isHole = !other?.accepts.includes(one?.sends ?? first) || !one?.accepts.includes(other.sends);
        if (isHole) holes.push({ nowMs, states: [...sides.states] });
      }
      expect(holes).toEqual([]);
      const tunnel = changes.at(-1)?.tunnel ?? first;
      const settled = { accepts: [tunnel], sends: tunnel };
      expect(sides.states).toEqual([settled, settled]);
    }),
  );
});

test("a kind that never passes is never sent by, and traffic stays on the one that does", () => {
  const sides = new TwoSides("WireGuard");
  for (const side of [0, 1] as const) sides.step(side, 0, () => true);
  sides.wanted.fill("VXLAN");
  for (let nowMs = 0; nowMs < 5 * GRACE_MS; nowMs += 500) {
    for (const side of [0, 1] as const) sides.step(side, nowMs, (kind) => kind === "WireGuard");
  }
  expect(sides.states.map((state) => state?.sends)).toEqual(["WireGuard", "WireGuard"]);
});
