import type { Comparison, LatencySample, ThroughputSample } from "./compare.ts";
import type { Variant } from "./paths.ts";
import { median, percentile, ratios, rounded } from "./stats.ts";

type PerVariant<T> = Readonly<Record<Variant, T>>;

/** Throughput of one way and number of streams: each round's figure, their medians, quotients round by round. */
interface ThroughputFigures {
  readonly way: string;
  readonly streams: number;
  /** Mbit/s. */
  readonly rounds: PerVariant<readonly number[]>;
  readonly median: PerVariant<number>;
  readonly retransmits: PerVariant<number>;
  readonly toHandMade: Quotients;
  readonly toBare: Quotients;
}

/** Trestle's figure by another's. */
interface Quotients {
  readonly rounds: readonly number[];
  readonly median: number;
}

/** Round-trip times of one way, of all rounds together, in milliseconds. */
interface LatencyFigures {
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
export function pathFigures({ shape, rounds, seconds, throughput, latency }: Comparison): PathFigures {
  const speeds = Map.groupBy(throughput, ({ way, streams }) => `${way} ${streams}`);
  const times = Map.groupBy(latency, ({ way }) => way);
  return {
    tunnel: { wireguard: shape.kind === "tun" ? "wireguard-go" : "kernel", mtu: shape.mtu },
    rounds,
    secondsEach: seconds,
    throughput: [...speeds.values()].flatMap((samples) => throughputFigures(samples)),
    latency: [...times].map(([way, samples]) => latencyFigures(way, samples)),
  };
}

function throughputFigures(samples: readonly ThroughputSample[]): ThroughputFigures[] {
  const [first] = samples;
  if (first === undefined) return [];
  const of = (variant: Variant) => samples.filter((sample) => sample.variant === variant);
  const bits = perVariant((variant) => of(variant).map(({ bitsPerSecond }) => bitsPerSecond));
  const quotients = (below: Variant): Quotients => {
    const rounds = ratios(bits.trestle, bits[below]);
    return { rounds: rounds.map((each) => rounded(each, 3)), median: rounded(median(rounds), 3) };
  };
  return [
    {
      way: first.way,
      streams: first.streams,
      rounds: perVariant((variant) => bits[variant].map(mega)),
      median: perVariant((variant) => mega(median(bits[variant]))),
      retransmits: perVariant((variant) => of(variant).reduce((sum, { retransmits }) => sum + retransmits, 0)),
      toHandMade: quotients("hand-made"),
      toBare: quotients("bare"),
    },
  ];
}

function latencyFigures(way: string, samples: readonly LatencySample[]): LatencyFigures {
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
  return { trestle: of("trestle"), "hand-made": of("hand-made"), bare: of("bare") };
}

function mega(bits: number): number {
  return Math.round(bits / 1e6);
}
