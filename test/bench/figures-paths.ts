import type { Comparison, Sample } from "./compare.ts";
import { VARIANTS } from "./paths.ts";
import type { Variant } from "./paths.ts";
import { median, percentile, ratios, rounded } from "./stats.ts";

type PerVariant<T> = Readonly<Record<Variant, T>>;

/** Throughput of one way and number of streams: each round's figure, their medians, quotients round by round. */
export interface ThroughputFigures {
  readonly way: string;
  readonly streams: number;
  /** Mbit/s. */
  readonly rounds: PerVariant<readonly number[]>;
  readonly median: PerVariant<number>;
  readonly retransmits: PerVariant<number>;
  readonly toHandMade: { readonly rounds: readonly number[]; readonly median: number };
  readonly toBare: { readonly rounds: readonly number[]; readonly median: number };
}

/** Round-trip times of one way, of all rounds together, in milliseconds. */
export interface LatencyFigures {
  readonly way: string;
  readonly samples: PerVariant<number>;
  readonly p50: PerVariant<number>;
  readonly p99: PerVariant<number>;
}

export interface PathFigures {
  readonly tunnel: { readonly wireguard: "kernel" | "wireguard-go"; readonly mtu: number };
  readonly rounds: number;
  readonly secondsEach: number;
  readonly throughput: readonly ThroughputFigures[];
  readonly latency: readonly LatencyFigures[];
}

/** What the samples come to. Pure. */
export function pathFigures({ shape, seconds, samples }: Comparison): PathFigures {
  const ways = [...new Set(samples.map(({ way }) => way))];
  const streams = samples[0]?.throughput.map((figure) => figure.streams) ?? [];
  return {
    tunnel: { wireguard: shape.kind === "tun" ? "wireguard-go" : "kernel", mtu: shape.mtu },
    rounds: new Set(samples.map(({ round }) => round)).size,
    secondsEach: seconds,
    throughput: ways.flatMap((way) => {
      const ofWay = samples.filter((sample) => sample.way === way);
      return streams.map((_, at) => throughputFigures(way, ofWay, at));
    }),
    latency: ways.map((way) =>
      latencyFigures(
        way,
        samples.filter((sample) => sample.way === way),
      ),
    ),
  };
}

function throughputFigures(way: string, samples: readonly Sample[], at: number): ThroughputFigures {
  const of = (variant: Variant) =>
    samples.filter((sample) => sample.variant === variant).flatMap(({ throughput }) => throughput[at] ?? []);
  const bits = perVariant((variant) => of(variant).map(({ bitsPerSecond }) => bitsPerSecond));
  const quotients = (below: Variant) => {
    const rounds = ratios(bits.trestle, bits[below]);
    return { rounds: rounds.map((each) => rounded(each, 3)), median: rounded(median(rounds), 3) };
  };
  return {
    way,
    streams: of("trestle")[0]?.streams ?? 0,
    rounds: perVariant((variant) => bits[variant].map(mega)),
    median: perVariant((variant) => mega(median(bits[variant]))),
    retransmits: perVariant((variant) => of(variant).reduce((sum, { retransmits }) => sum + retransmits, 0)),
    toHandMade: quotients("hand-made"),
    toBare: quotients("bare"),
  };
}

function latencyFigures(way: string, samples: readonly Sample[]): LatencyFigures {
  const times = perVariant((variant) =>
    samples.filter((sample) => sample.variant === variant).flatMap(({ rttMs }) => rttMs),
  );
  return {
    way,
    samples: perVariant((variant) => times[variant].length),
    p50: perVariant((variant) => percentile(times[variant], 50)),
    p99: perVariant((variant) => percentile(times[variant], 99)),
  };
}

function perVariant<T>(of: (variant: Variant) => T): PerVariant<T> {
  return Object.fromEntries(VARIANTS.map((variant) => [variant, of(variant)])) as Record<Variant, T>;
}

function mega(bits: number): number {
  return Math.round(bits / 1e6);
}
