import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import path from "node:path";
import type { PairStatus, TunnelKind } from "../../mesh/resources.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { median } from "../bench/stats.ts";
import { applyLinks } from "./support/apply-links.ts";
import { crossingsDuring } from "./support/crossings.ts";
import { connections, datagrams } from "./support/flows.ts";
import { startPings } from "./support/ping.ts";
import type { Pinging } from "./support/ping.ts";
import { startStream } from "./support/stream.ts";
import type { CheckedStream } from "./support/stream.ts";
import { allUp, LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";
import { packetsBetween, packetsIn, ranksOf, TUNNELS } from "./support/tunnels.ts";

/** All gateways carry traffic at once, and go on doing so while a link's kind changes under them. */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "gateways.yaml");
const EAST = ["east/a", "east/b"];
const WEST = ["west/a", "west/b"];
const GATEWAYS = [...EAST, ...WEST];
/** A flow has a tunnel by chance: of so many the least lucky of four tunnels has ten, but once in 100,000 times. */
const FLOWS = 96;
const KIND_LIMIT_MS = 120_000;

beforeAll(async () => {
  await lab.up(FILE);
}, 2 * LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

/** What each kind of tunnel has to show; the link is of that kind already, or soon. */
function flowsBy(kind: TunnelKind): void {
  beforeAll(async () => {
    await applyKind(kind);
    await eventually(() => allBy(kind), KIND_LIMIT_MS);
  }, LAB_LIMIT_MS);

  test.each([
    ["a plain node to one on a plain node", "east/api", "west/db", EAST, WEST],
    ["a gateway to one on a plain node", "east/web", "west/db", ["east/a"], WEST],
    ["a gateway to one on a gateway", "east/web", "west/cache", ["east/a"], ["west/a"]],
  ])(
    "from a pod on %s spread over all tunnels that there are, each way",
    async (_, from, to, sending, answering) => {
      const between = (senders: readonly string[], takers: readonly string[]): string[] =>
        takers.flatMap((taker) => senders.map((sender) => `${taker} from ${sender}`));
      for (const family of [4, 6] as const) {
        const hosts = [lab.pod(from, family), lab.pod(to, family)] as const;
        const crossed = await crossingsDuring(lab, kind, [EAST, WEST], hosts, async () => {
          const seen = await datagrams(lab.place(from), lab.place(to), hosts[1], FLOWS);
          expect(seen).toEqual({ [hosts[0]]: FLOWS });
        });
        console.log(`${kind}, IPv${family}, ${from} to ${to}, packets by each tunnel:`, crossed);
        const ways = [...between(sending, WEST), ...between(answering, EAST)];
        expect(Object.keys(crossed).toSorted()).toEqual(ways.toSorted());
        const total = Object.values(crossed).reduce((sum, count) => sum + count, 0);
        for (const way of ways) expect(crossed[way]).toBeGreaterThan(total / 40);
      }
    },
    LAB_LIMIT_MS,
  );

  test(
    "answers that come by another gateway pass foreign rules that drop what conntrack calls invalid",
    async () => {
      const strict =
        "table inet strict { chain forward { type filter hook forward priority 0; ct state invalid counter drop; }; }";
      const places = GATEWAYS.map((gateway) => lab.place(gateway));
      for (const { run } of places) await run("nft", ["-f", "-"], { stdin: strict });
      const ways = ["east/api", "east/web"].flatMap((east) =>
        ["west/db", "west/cache"].flatMap(
          (west) =>
            [
              [east, west],
              [west, east],
            ] as const,
        ),
      );
      for (const [from, to] of ways) {
        for (const family of [4, 6] as const) {
          const seen = await connections(lab.place(from), lab.place(to), lab.pod(to, family), 32);
          expect({ from, to, family, seen }).toEqual({ from, to, family, seen: { [lab.pod(from, family)]: 32 } });
        }
      }
      for (const { run } of places) {
        expect(await run("nft", ["list", "table", "inet", "strict"])).toContain("counter packets 0 bytes 0 drop");
        await run("nft", ["delete", "table", "inet", "strict"]);
      }
    },
    LAB_LIMIT_MS,
  );
}

describe("flows by WireGuard", () => {
  flowsBy("WireGuard");
});

test(
  "gateways have the lowest ranks, and keep them when their agents start again in another order",
  async () => {
    const before = await ranksOf(lab, ["east", "west"]);
    for (const side of [EAST, WEST])
      expect(new Set(side.map((gateway) => before.get(gateway)))).toEqual(new Set([0, 1]));
    const devices = await packetsIn(lab, GATEWAYS, TUNNELS.WireGuard);
    for (const gateway of GATEWAYS) await lab.kill(`agent:${gateway}`);
    await lab.mend(...GATEWAYS.toReversed().map((gateway) => `agent:${gateway}`));
    await eventually(() => allUp(lab, 2), 60_000);
    expect(await ranksOf(lab, ["east", "west"])).toEqual(before);
    expect(Object.keys(await packetsIn(lab, GATEWAYS, TUNNELS.WireGuard))).toEqual(Object.keys(devices));
  },
  LAB_LIMIT_MS,
);

/** Says of which kind the link shall be. */
function applyKind(tunnel: TunnelKind): Promise<void> {
  return applyLinks(lab, { both: { members: { names: ["east", "west"] }, tunnel } });
}

async function pair(from: string, to: string): Promise<PairStatus | undefined> {
  return (await lab.status()).pairs.find((each) => each.from === from && each.to === to);
}

/** True when both sides send by that kind and say that all is well, else what they say. */
async function allBy(tunnel: TunnelKind): Promise<unknown> {
  const { pairs } = await lab.status();
  const isWell = ({ tunnel: by, state, reason }: PairStatus): boolean =>
    by === tunnel && state === "Up" && reason === "Heard";
  return (pairs.length === 2 && pairs.every(isWell)) || pairs;
}

/** Peers of WireGuard and far ends of VXLAN that gateways know. */
async function peers(tunnel: TunnelKind): Promise<string[]> {
  const words = { WireGuard: "wg show all peers", VXLAN: "bridge fdb show | grep ' dev trsvx' || true" };
  const shown = GATEWAYS.map(async (gateway) => lab.place(gateway).run("sh", ["-c", words[tunnel]]));
  return (await Promise.all(shown)).flatMap((text) => text.split("\n").filter(Boolean));
}

/** Packets that come in by either kind while `pings` has so many more answered; what it says of some may be older, when this program was late to read it. */
async function carriedBy(pings: Pinging, count: number): Promise<Readonly<Record<TunnelKind, number>>> {
  const all = async (kind: TunnelKind) => packetsIn(lab, GATEWAYS, TUNNELS[kind]);
  const before = { WireGuard: await all("WireGuard"), VXLAN: await all("VXLAN") };
  const goal = pings.seen().answered + count;
  await eventually(() => pings.seen().answered >= goal || pings.seen(), 60_000 + count * 20);
  const sum = async (kind: TunnelKind): Promise<number> =>
    Object.values(packetsBetween(before[kind], await all(kind))).reduce((total, packets) => total + packets, 0);
  return { WireGuard: await sum("WireGuard"), VXLAN: await sum("VXLAN") };
}

describe("a link's kind", () => {
  /** Traffic of both families, both ways, over plain nodes and gateways. */
  const PATHS = [
    ["east/api", "west/db", 4],
    ["west/db", "east/web", 6],
    ["west/cache", "east/api", 4],
    ["east/web", "west/cache", 6],
  ] as const;
  const pings: Pinging[] = [];
  const streams: CheckedStream[] = [];

  beforeAll(async () => {
    for (const [from, to, family] of PATHS) {
      pings.push(await startPings(lab.place(from), lab.pod(to, family)));
      streams.push(await startStream(lab.place(from), lab.place(to), lab.pod(to, family)));
    }
  });

  afterAll(async () => {
    await Promise.all([...pings, ...streams].map(({ stop }) => stop()));
  });

  /** A ping that is under way is answered in a moment; one that is lost never is. */
  async function expectNothingLost(): Promise<void> {
    await eventually(() => pings.every(({ seen }) => seen().lost.length === 0) || pings.map(({ seen }) => seen()));
    const ends = streams.flatMap(({ seen }) => seen());
    expect(ends.map(({ wrongAt, ended }) => ({ wrongAt, ended }))).toEqual(ends.map(() => ({})));
  }

  test.each([
    ["WireGuard", "VXLAN"],
    ["VXLAN", "WireGuard"],
  ] as const)(
    "changes from %s to %s under traffic, which loses nothing",
    async (old, wanted) => {
      const [first] = pings as [Pinging];
      expect((await carriedBy(first, 300))[old]).toBeGreaterThan(400);
      const startMs = performance.now();
      await applyKind(wanted);
      await eventually(() => allBy(wanted), KIND_LIMIT_MS);
      const changedMs = performance.now() - startMs;
      const carried = await carriedBy(first, 400);
      expect(carried[wanted]).toBeGreaterThan(800);
      // Probes of the old kind go on for a while.
      expect(carried[old]).toBeLessThan(carried[wanted] / 10);
      expect(await peers(old)).not.toEqual([]);
      await eventually(async () => {
        const left = await peers(old);
        return left.length === 0 || left;
      }, KIND_LIMIT_MS);
      const goneMs = performance.now() - startMs;
      const silenceMs = Math.max(...streams.flatMap(({ seen }) => seen().map((end) => end.silenceMs)));
      console.log(`${old} to ${wanted}:`, { changedMs, goneMs, silenceMs });
      expect(goneMs).toBeGreaterThan(30_000);
      await expectNothingLost();
      await eventually(() => allBy(wanted));
    },
    LAB_LIMIT_MS,
  );

  test(
    "stays while a gateway of the other side can't prove the new one, and changes when it can",
    async () => {
      const [first] = pings as [Pinging];
      await lab.break("agent:west/b");
      await applyKind("VXLAN");
      await eventually(async () => {
        const seen = await pair("east", "west");
        return seen?.reason === "KindChanging" || seen;
      });
      // Longer than it takes to give up on a gateway that is gone.
      await carriedBy(first, 3_000);
      await eventually(async () => {
        const seen = await pair("east", "west");
        const isHeld = seen?.tunnel === "WireGuard" && seen.state === "Up" && seen.reason === "KindChanging";
        return (isHeld && seen.message.includes("VXLAN is not proven to gateway b yet")) || seen;
      });
      expect((await carriedBy(first, 300)).WireGuard).toBeGreaterThan(200);
      await expectNothingLost();

      await lab.mend("agent:west/b");
      await eventually(() => allBy("VXLAN"), KIND_LIMIT_MS);
      const carried = await carriedBy(first, 200);
      expect(carried.WireGuard).toBeLessThan(carried.VXLAN / 10);
      await expectNothingLost();
    },
    LAB_LIMIT_MS,
  );
});

describe("flows by VXLAN", () => {
  flowsBy("VXLAN");
});

test(
  "a gateway whose tunnels were killed has them again, because its agent hears of it",
  async () => {
    await applyKind("WireGuard");
    await eventually(() => allBy("WireGuard"), KIND_LIMIT_MS);
    const silentMs: number[] = [];
    for (let time = 0; time < 3; time += 1) {
      const pings = await Promise.all(
        ([4, 6] as const).map((family) => startPings(lab.place("east/web"), lab.pod("west/cache", family))),
      );
      await lab.break("tunnel:east/a");
      await eventually(() => pings.every(({ seen }) => seen().lost.length > 0) || pings.map(({ seen }) => seen()));
      for (const { seen } of pings) {
        const { answered } = seen();
        await eventually(() => seen().answered > answered || seen(), KIND_LIMIT_MS);
      }
      await eventually(() => allBy("WireGuard"), KIND_LIMIT_MS);
      silentMs.push(...(await Promise.all(pings.map(({ stop }) => stop()))).map(({ lost }) => lost.length * 10));
    }
    console.log("milliseconds without an answer, by IPv4 and by IPv6:", silentMs);
    // Agents look at everything every ten seconds: what only that brings back takes five, half of the times.
    expect(median(silentMs)).toBeLessThan(3_000);
  },
  LAB_LIMIT_MS,
);
