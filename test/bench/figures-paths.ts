import type { TunnelKind } from "../../mesh/resources.ts";
import type { Comparison, LatencySample, ThroughputSample } from "./compare.ts";
import type { Variant } from "./paths.ts";
import { median, percentile, ratios, rounded } from "./stats.ts";

type PerVariant<T> = Readonly<Record<Variant, T>>;

/** One figure of every round by each variant, its medians, and quotients taken round by round. */
export interface Compared {
  readonly rounds: PerVariant<readonly number[]>;
  readonly median: PerVariant<number>;
  readonly toHandMade: Quotients;
  readonly toBare: Quotients;
}

/** Trestle's figure by another's. */
export interface Quotients {
  readonly rounds: readonly number[];
  readonly median: number;
}

/** Of one way and number of streams. */
interface ThroughputFigures {
  readonly way: string;
  readonly streams: number;
  /** Mbit/s. */
  readonly speed: Compared;
  /** CPU seconds of the whole machine a gigabit. */
  readonly cpu: Compared;
  readonly retransmits: PerVariant<number>;
}

/** Round-trip times of one way, of all rounds together, in milliseconds. */
interface LatencyFigures {
  readonly way: string;
  readonly samples: PerVariant<number>;
  readonly p50: PerVariant<number>;
  readonly p99: PerVariant<number>;
}

/** Of one kind of tunnel. */
export interface TunnelFigures {
  readonly kind: TunnelKind;
  readonly by: "the kernel" | "wireguard-go";
  /** Bytes. */
  readonly mtu: number;
  readonly throughput: readonly ThroughputFigures[];
  readonly latency: readonly LatencyFigures[];
}

export interface PathFigures {
  readonly rounds: number;
  readonly secondsEach: number;
  readonly tunnels: readonly TunnelFigures[];
}

/** What the samples come to. Pure. */
export function pathFigures(comparisons: readonly Comparison[]): PathFigures {
  const [first] = comparisons;
  return {
    rounds: first?.rounds ?? 0,
    secondsEach: first?.seconds ?? 0,
    tunnels: comparisons.map(({ kind, shape, throughput, latency }) => ({
      kind,
      by: shape.kind === "tun" ? "wireguard-go" : "the kernel",
      mtu: shape.mtu,
      throughput: [...Map.groupBy(throughput, ({ way, streams }) => `${way} ${streams}`).values()].flatMap((samples) =>
        throughputFigures(samples),
      ),
      latency: [...Map.groupBy(latency, ({ way }) => way)].map(([way, samples]) => latencyFigures(way, samples)),
    })),
  };
}

function throughputFigures(samples: readonly ThroughputSample[]): ThroughputFigures[] {
  const [first] = samples;
  if (first === undefined) return [];
  const of = (variant: Variant) => samples.filter((sample) => sample.variant === variant);
  return [
    {
      way: first.way,
      streams: first.streams,
      speed: compared((variant) => of(variant).map(({ bitsPerSecond }) => bitsPerSecond / 1e6), 0),
      cpu: compared((variant) => of(variant).map(({ cpuPerGigabit }) => cpuPerGigabit), 3),
      retransmits: perVariant((variant) => of(variant).reduce((sum, { retransmits }) => sum + retransmits, 0)),
    },
  ];
}

function compared(of: (variant: Variant) => readonly number[], decimals: number): Compared {
  const values = perVariant(of);
  const quotients = (below: Variant): Quotients => {
    const rounds = ratios(values.trestle, values[below]);
    return { rounds: rounds.map((each) => rounded(each, 3)), median: rounded(median(rounds), 3) };
  };
  return {
    rounds: perVariant((variant) => values[variant].map((each) => rounded(each, decimals))),
    median: perVariant((variant) => rounded(median(values[variant]), decimals)),
    toHandMade: quotients("hand-made"),
    toBare: quotients("bare"),
  };
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
