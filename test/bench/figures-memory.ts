import type { MemoryTimes } from "./memory.ts";
import { median, rounded } from "./stats.ts";
import type { Memory } from "./usage.ts";

/** What the samples come to: megabytes, milliseconds. */
export interface MemoryFigures {
  readonly peers: number;
  readonly alone: MemoryFigure;
  readonly linked: MemoryFigure;
  readonly starts: readonly { readonly command: string; readonly bundled: number; readonly checkout: number }[];
  readonly rounds: number;
}

export interface MemoryFigure {
  readonly rss: number;
  readonly highestRSS: number;
  readonly pss: number;
}

export function memoryFigures({ peers, alone, linked, starts }: MemoryTimes): MemoryFigures {
  const commands = [...Map.groupBy(starts, ({ command }) => command)];
  return {
    peers,
    alone: figureOf(alone),
    linked: figureOf(linked),
    starts: commands.map(([command, rounds]) => ({
      command,
      bundled: rounded(median(rounds.map(({ bundled }) => bundled)), 0),
      checkout: rounded(median(rounds.map(({ checkout }) => checkout)), 0),
    })),
    rounds: commands[0]?.[1].length ?? 0,
  };
}

function figureOf(samples: readonly Memory[]): MemoryFigure {
  const rss = samples.map((sample) => sample.rss);
  return {
    rss: rounded(median(rss), 1),
    highestRSS: rounded(Math.max(...rss), 1),
    pss: rounded(median(samples.map(({ pss }) => pss)), 1),
  };
}
