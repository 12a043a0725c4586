import type { LinkRound } from "./link.ts";
import { median, percentile } from "./stats.ts";

export interface Spread {
  /** Milliseconds, round by round. */
  readonly rounds: readonly number[];
  readonly p50: number;
  readonly max: number;
}

/** A stretch of time that people wait for, by what it is. */
export interface NamedSpread extends Spread {
  readonly title: string;
}

export interface LinkFigures {
  readonly rounds: number;
  /** From three moments to the first datagram that came back; a negative one came before that moment. */
  readonly reach: readonly NamedSpread[];
  /** Where the time goes, one after another, between pods on gateways. */
  readonly stages: readonly NamedSpread[];
  readonly cut: readonly NamedSpread[];
}

/** What the rounds come to. Pure. */
export function linkFigures(rounds: readonly LinkRound[]): LinkFigures {
  const ways = Object.keys(rounds[0]?.create.reached ?? {});
  const [first = ""] = ways;
  const named = (title: string, of: (round: LinkRound) => number): NamedSpread => ({
    title,
    ...spread(rounds.map(of)),
  });
  const reached = ({ create }: LinkRound, way: string): number => create.reached[way] ?? NaN;
  return {
    rounds: rounds.length,
    reach: ways.flatMap((way) => [
      named(`${way}: from the command's start`, (round) => reached(round, way)),
      named(`${way}: from the write to the hub's store`, (round) => reached(round, way) - round.create.written),
      named(`${way}: from the command's return`, (round) => reached(round, way) - round.create.returned),
    ]),
    stages: [
      named("command: start, connect, check, until it writes the link", ({ create }) => create.written),
      named("hub and NATS: until both gateways believe the new view", ({ create }) => create.believed - create.written),
      named("agents: until both gateways' kernels hold it", ({ create }) => create.held - create.believed),
      named("first answer after that (negative: before)", (round) => reached(round, first) - round.create.held),
    ],
    cut: ways.map((way) =>
      named(`${way}: from the start of \`link delete\``, (round) => round.delete.lastReached[way] ?? NaN),
    ),
  };
}

function spread(rounds: readonly number[]): Spread {
  return { rounds, p50: median(rounds), max: percentile(rounds, 100) };
}
