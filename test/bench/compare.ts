import { waysOf } from "./bench.ts";
import type { Bench, Way } from "./bench.ts";
import type { TunnelShape } from "./hand-made.ts";
import { measureThroughput } from "./iperf.ts";
import { DEVICE_OF, openPaths, VARIANTS } from "./paths.ts";
import type { Paths, Variant } from "./paths.ts";
import { awaitAnswer, ECHO_BYTES, measureLatency } from "./ping.ts";
import { misled } from "./sent.ts";

const STREAMS = [1, 4] as const;
const ECHOES = 500;

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
}

export interface LatencySample extends Turn {
  /** Round-trip times, milliseconds. */
  readonly rttMs: readonly number[];
}

export interface Comparison {
  readonly shape: TunnelShape;
  readonly rounds: number;
  readonly seconds: number;
  readonly throughput: readonly ThroughputSample[];
  readonly latency: readonly LatencySample[];
}

/**
 * Measures the same pods by Trestle's tunnel, a hand-made one and none. They take turns for each figure of each round,
 * so that a machine that is slow for a while is slow for all three. The link must be there.
 * @param seconds of each throughput figure
 * @throws Error when packets did not go the way that was to be measured
 */
export async function comparePaths(bench: Bench, rounds: number, seconds: number): Promise<Comparison> {
  const ways = waysOf(bench);
  for (const way of ways) await awaitAnswer(bench, way);
  await using paths = await openPaths(bench, ways);
  const throughput: ThroughputSample[] = [];
  const latency: LatencySample[] = [];
  for (let round = 0; round <= rounds; round += 1) {
    const title = round === 0 ? "warm-up" : `round ${round} of ${rounds}`;
    // Each is first, second and last in turn: what the one before left behind favours none.
    const turns = [...VARIANTS.slice(round % VARIANTS.length), ...VARIANTS.slice(0, round % VARIANTS.length)];
    await bench.progress.step(title, async () => {
      for (const way of ways) {
        for (const streams of STREAMS) {
          for (const variant of turns) {
            const measure = () => measureThroughput(bench, way, streams, round === 0 ? 1 : seconds);
            const figure = await onItsWay({ bench, paths, variant, way }, measure, ({ bytes }) => bytes);
            const { bitsPerSecond, retransmits } = figure;
            if (round > 0) throughput.push({ round, variant, way: way.title, streams, bitsPerSecond, retransmits });
          }
        }
        for (const variant of turns) {
          const measure = () => measureLatency(bench, way, ECHOES);
          const rttMs = await onItsWay({ bench, paths, variant, way }, measure, (times) => times.length * ECHO_BYTES);
          if (round > 0) latency.push({ round, variant, way: way.title, rttMs });
        }
      }
    });
  }
  return { shape: paths.shape, rounds, seconds, throughput, latency };
}

interface Course {
  readonly bench: Bench;
  readonly paths: Paths;
  readonly variant: Variant;
  readonly way: Way;
}

/**
 * Takes a variant's path and measures, with the counters of the gateway's devices to witness that the packets took it.
 * @param payloadOf bytes that were sent for a figure
 */
async function onItsWay<T>(
  { bench, paths, variant, way }: Course,
  measure: () => Promise<T>,
  payloadOf: (figure: T) => number,
): Promise<T> {
  await paths.take(variant);
  await awaitAnswer(bench, way);
  const before = await paths.sent();
  const figure = await measure();
  const seen = [before, await paths.sent()] as const;
  const devices = Object.values(DEVICE_OF);
  const fault = misled(seen, payloadOf(figure), { device: DEVICE_OF[variant], devices, outer: DEVICE_OF.bare });
  if (fault !== undefined) throw new Error(`${variant} was meant and something else measured: ${fault}`);
  return figure;
}
