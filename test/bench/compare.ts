import { waitUntil } from "../../lab/wait.ts";
import type { TunnelKind } from "../../mesh/resources.ts";
import { placeIn, waysOf } from "./bench.ts";
import type { Bench, Way } from "./bench.ts";
import { cpuSecondsOf } from "./cpu.ts";
import type { TunnelShape } from "./hand-made.ts";
import { measureThroughput } from "./iperf.ts";
import { changeLink } from "./link.ts";
import { devicesOf, deviceTo, openPaths, TRESTLE_DEVICE, VARIANTS } from "./paths.ts";
import type { Paths, Variant } from "./paths.ts";
import { awaitAnswer, ECHO_BYTES, measureLatency } from "./ping.ts";
import { misled } from "./sent.ts";

const STREAMS = [1, 4] as const;
const ECHOES = 500;
const BITS_PER_GIGABIT = 1e9;

interface Turn {
  /** From 1; 0 is the warm-up. */
  readonly round: number;
  readonly variant: Variant;
  /** Its title. */
  readonly way: string;
}

export interface ThroughputSample extends Turn {
  readonly streams: number;
  readonly bitsPerSecond: number;
  readonly retransmits: number;
  /** CPU seconds of the whole machine for 10^9 bits of payload. */
  readonly cpuPerGigabit: number;
}

export interface LatencySample extends Turn {
  /** Round-trip times, milliseconds. */
  readonly rttMs: readonly number[];
}

/** Of one kind of tunnel. */
export interface Comparison {
  readonly kind: TunnelKind;
  readonly shape: TunnelShape;
  readonly rounds: number;
  readonly seconds: number;
  readonly throughput: readonly ThroughputSample[];
  readonly latency: readonly LatencySample[];
}

/** All that one round's figures are measured with. */
interface Scene {
  readonly bench: Bench;
  readonly kind: TunnelKind;
  readonly paths: Paths;
}

/**
 * Measures the same pods by Trestle's tunnel of this kind, a hand-made one and none. They take turns for each figure of
 * each round, so that a machine that is slow for a while is slow for all three. The link must be there.
 * @param seconds of each throughput figure
 * @throws Error when packets did not go the way that was to be measured
 */
export async function comparePaths(
  bench: Bench,
  kind: TunnelKind,
  rounds: number,
  seconds: number,
): Promise<Comparison> {
  const ways = waysOf(bench);
  await bench.progress.step(`link by ${kind}`, () => travelBy(bench, kind, ways));
  await using paths = await openPaths(bench, kind, ways);
  const scene = { bench, kind, paths };
  const throughput: ThroughputSample[] = [];
  const latency: LatencySample[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const title = round === 0 ? "warm-up" : `round ${round} of ${rounds}`;
    await bench.progress.step(`${kind}, ${title}`, async () => {
      for (const way of ways) {
        for (const streams of STREAMS) {
          for (const variant of turnsOf(round)) {
            const figure = await timeThroughput(scene, variant, way, streams, round === 0 ? 1 : seconds);
            if (round > 0) throughput.push({ round, variant, way: way.title, streams, ...figure });
          }
        }
        for (const variant of turnsOf(round)) {
          const measure = (by: Way) => measureLatency(bench, by, ECHOES);
          const rttMs = await onItsWay(scene, variant, way, measure, (times) => times.length * ECHO_BYTES);
          if (round > 0) latency.push({ round, variant, way: way.title, rttMs });
        }
      }
    });
  }
  return { kind, shape: paths.shape, rounds, seconds, throughput, latency };
}

/** In six rounds every order once: what the one before left behind favours none. */
function turnsOf(round: number): Variant[] {
  const first = round % VARIANTS.length;
  const turns = [...VARIANTS.slice(first), ...VARIANTS.slice(0, first)];
  return round % 2 === 0 ? turns : turns.toReversed();
}

/** Has the link changed, and waits until both ends send by that kind and have none of the other any more. */
async function travelBy(bench: Bench, kind: TunnelKind, ways: readonly Way[]): Promise<void> {
  const { lab, signal } = bench;
  await changeLink(bench, kind);
  const far = ways.flatMap(({ fromAddress, toAddress }) => [
    { gateway: placeIn(bench, "east/a"), address: toAddress },
    { gateway: placeIn(bench, "west/a"), address: fromAddress },
  ]);
  const travels = async (): Promise<true | undefined> => {
    const devices = await Promise.all(far.map(({ gateway, address }) => deviceTo(gateway, address)));
    const others = await Promise.all(
      far.map(({ gateway }) => gateway.run("wg", ["show", TRESTLE_DEVICE.WireGuard, "peers"])),
    );
    const alone = kind === "WireGuard" || others.every((peers) => peers.trim() === "");
    return alone && devices.every((device) => device === TRESTLE_DEVICE[kind]) ? true : undefined;
  };
  await waitUntil(travels, () => `the link does not travel by ${kind} alone`, {
    clock: lab.clock,
    signal,
    limitMs: 180_000,
  });
  for (const way of ways) await awaitAnswer(bench, way);
}

async function timeThroughput(
  scene: Scene,
  variant: Variant,
  way: Way,
  streams: number,
  seconds: number,
): Promise<Pick<ThroughputSample, "bitsPerSecond" | "retransmits" | "cpuPerGigabit">> {
  const { bench } = scene;
  const measure = (by: Way) => cpuSecondsOf(() => measureThroughput(bench, by, streams, seconds), bench.signal);
  const [figure, cpuSeconds] = await onItsWay(scene, variant, way, measure, ([{ bytes }]) => bytes);
  const { bitsPerSecond, retransmits, allBytes } = figure;
  return { bitsPerSecond, retransmits, cpuPerGigabit: cpuSeconds / ((allBytes * 8) / BITS_PER_GIGABIT) };
}

/**
 * Measures by a variant's path, with the counters of the gateway's devices to witness that the packets took it.
 * @param payloadOf bytes that were sent for a figure
 */
async function onItsWay<T>(
  { bench, kind, paths }: Scene,
  variant: Variant,
  way: Way,
  measure: (by: Way) => Promise<T>,
  payloadOf: (figure: T) => number,
): Promise<T> {
  const by = paths.by(variant, way);
  await awaitAnswer(bench, by);
  // What TCP learned of a path to a pod before would be the start of the next, see ip-tcp_metrics(8).
  for (const pod of [way.from, way.to]) await placeIn(bench, pod).run("ip", ["tcp_metrics", "flush", "all"]);
  const before = await paths.sent();
  const figure = await measure(by);
  const seen = [before, await paths.sent()] as const;
  const deviceOf = devicesOf(kind);
  const devices = Object.values(deviceOf);
  const fault = misled(seen, payloadOf(figure), { device: deviceOf[variant], devices, outer: deviceOf.bare });
  if (fault !== undefined) throw new Error(`${variant} was meant and something else measured: ${fault}`);
  return figure;
}
