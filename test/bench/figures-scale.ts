import type { Cost } from "./scale-meter.ts";
import type { ChangeName, ScaleRound, Turn } from "./scale.ts";
import { median, percentile, rounded } from "./stats.ts";

/** Medians of the rounds, milliseconds. */
export interface TurnFigures {
  readonly planner: number;
  readonly applied: number;
  readonly total: number;
  readonly highestTotal: number;
  /** CPU of planning excepted. */
  readonly own: number;
  readonly programs: number;
  readonly tunnels: number;
  readonly parts: Readonly<Record<string, number>>;
}

export interface ChangeFigures {
  readonly change: ChangeName | "all";
  readonly count: number;
  /** Milliseconds. */
  readonly plannerP50: number;
  readonly p50: number;
  readonly p99: number;
  /** CPU of planning excepted; means, for those of programs come in steps of 10 ms. */
  readonly own: number;
  readonly programs: number;
  readonly tunnels: number;
}

export interface SizeFigures {
  readonly clusters: number;
  readonly routes: number;
  readonly peers: number;
  readonly first: TurnFigures;
  readonly again: TurnFigures;
  /** All kinds together, then each. */
  readonly changes: readonly ChangeFigures[];
}

export interface ScaleFigures {
  readonly rounds: number;
  readonly sizes: readonly SizeFigures[];
}

/** What the rounds come to. Pure. */
export function scaleFigures(rounds: readonly ScaleRound[]): ScaleFigures {
  const sizes = [...Map.groupBy(rounds, ({ clusters }) => clusters)];
  return {
    rounds: sizes[0]?.[1].length ?? 0,
    sizes: sizes.map(([clusters, ofSize]) => {
      const changes = ofSize.flatMap((round) => round.changes);
      const byName = [...Map.groupBy(changes, ({ change }) => change)];
      return {
        clusters,
        routes: ofSize[0]?.routes ?? 0,
        peers: ofSize[0]?.peers ?? 0,
        first: turnFigures(ofSize.map(({ first }) => first)),
        again: turnFigures(ofSize.map(({ again }) => again)),
        changes: [changeFigures("all", changes), ...byName.map(([name, turns]) => changeFigures(name, turns))],
      };
    }),
  };
}

function turnFigures(turns: readonly Turn[]): TurnFigures {
  const middle = (of: (turn: Turn) => number): number => rounded(median(turns.map(of)), 1);
  const parts = new Set(turns.flatMap(({ applied }) => Object.keys(applied.parts)));
  return {
    planner: middle(({ plannerMs }) => plannerMs),
    applied: middle(({ applied }) => applied.wallMs),
    total: middle(total),
    highestTotal: rounded(Math.max(...turns.map(total)), 1),
    own: middle(({ applied }) => applied.ownMs),
    programs: middle(({ applied }) => applied.programsMs),
    tunnels: middle(({ applied }) => applied.tunnelsMs),
    parts: Object.fromEntries([...parts].map((part) => [part, middle(({ applied }) => applied.parts[part] ?? 0)])),
  };
}

function changeFigures(change: ChangeName | "all", turns: readonly Turn[]): ChangeFigures {
  const mean = (of: (cost: Cost) => number): number =>
    rounded(turns.reduce((sum, { applied }) => sum + of(applied), 0) / turns.length, 1);
  return {
    change,
    count: turns.length,
    plannerP50: rounded(
      percentile(
        turns.map(({ plannerMs }) => plannerMs),
        50,
      ),
      1,
    ),
    p50: rounded(percentile(turns.map(total), 50), 1),
    p99: rounded(percentile(turns.map(total), 99), 1),
    own: mean(({ ownMs }) => ownMs),
    programs: mean(({ programsMs }) => programsMs),
    tunnels: mean(({ tunnelsMs }) => tunnelsMs),
  };
}

function total({ plannerMs, applied }: Turn): number {
  return plannerMs + applied.wallMs;
}
