import { awaitAnswer, ECHO_BYTES, measureLatency } from "./ping.ts";
import { measureThroughput } from "./iperf.ts";
import { waysOf } from "./bench.ts";
import type { Bench, Way } from "./bench.ts";
import { DEVICE_OF, openPaths, VARIANTS } from "./paths.ts";
import type { Paths, Variant } from "./paths.ts";
import type { TunnelShape } from "./hand-made.ts";
import { misled } from "./sent.ts";

const STREAMS = [1, 4] as const;
const ECHOES = 500;

/** What was measured of one variant on one way in one round. */
export interface Sample {
  readonly round: number;
  readonly variant: Variant;
  readonly way: string;
  /** By number of streams, in the order of {@link STREAMS}. */
  readonly throughput: readonly {
    readonly streams: number;
    readonly bitsPerSecond: number;
    readonly retransmits: number;
  }[];
  /** Round-trip times, milliseconds. */
  readonly rttMs: readonly number[];
}

export interface Comparison {
  readonly shape: TunnelShape;
  readonly seconds: number;
  readonly samples: readonly Sample[];
}

/**
 * Measures the same pods by Trestle's tunnel, a hand-made one and none, in turns, so that a machine that is slow for a
 * while is slow for all three. The link must be there.
 * @param seconds of each throughput figure
 * @throws Error when packets did not go the way that was to be measured
 */
export async function comparePaths(bench: Bench, rounds: number, seconds: number): Promise<Comparison> {
  const ways = waysOf(bench);
  for (const way of ways) await awaitAnswer(bench, way);
  await using paths = await openPaths(bench, ways);
  const { progress } = bench;
  await progress.step("warm-up", async () => {
    for (const variant of VARIANTS) await measure(bench, paths, { variant, ways, seconds: 1, round: 0 });
  });
  const samples: Sample[] = [];
  for (let round = 1; round <= rounds; round += 1) {
    for (const variant of VARIANTS) {
      const title = `round ${round} of ${rounds}: ${variant}`;
      samples.push(...(await progress.step(title, () => measure(bench, paths, { variant, ways, seconds, round }))));
    }
  }
  return { shape: paths.shape, seconds, samples };
}

interface Turn {
  readonly round: number;
  readonly variant: Variant;
  readonly ways: readonly Way[];
  readonly seconds: number;
}

async function measure(bench: Bench, paths: Paths, { round, variant, ways, seconds }: Turn): Promise<Sample[]> {
  await paths.take(variant);
  const samples: Sample[] = [];
  for (const way of ways) {
    await awaitAnswer(bench, way);
    const throughput = [];
    for (const streams of STREAMS) {
      const figure = await onItsWay(
        paths,
        variant,
        () => measureThroughput(bench, way, streams, seconds),
        (each) => each.bytes,
      );
      throughput.push({ streams, bitsPerSecond: figure.bitsPerSecond, retransmits: figure.retransmits });
    }
    const rttMs = await onItsWay(
      paths,
      variant,
      () => measureLatency(bench, way, ECHOES),
      (times) => times.length * ECHO_BYTES,
    );
    samples.push({ round, variant, way: way.title, throughput, rttMs });
  }
  return samples;
}

/** Measures, and takes the counters of the gateway's devices to witness that the packets went where they should. */
async function onItsWay<T>(
  paths: Paths,
  variant: Variant,
  action: () => Promise<T>,
  payloadOf: (figure: T) => number,
): Promise<T> {
  const before = await paths.sent();
  const figure = await action();
  const devices = Object.values(DEVICE_OF);
  const fault = misled([before, await paths.sent()], payloadOf(figure), {
    device: DEVICE_OF[variant],
    devices,
    outer: DEVICE_OF.bare,
  });
  if (fault !== undefined) throw new Error(`not measured what was meant (${variant}): ${fault}`);
  return figure;
}
