import path from "node:path";
import { z } from "zod";
import { startIn } from "./background.ts";
import type { TestLab } from "./test-lab.ts";

const PROGRAM = path.join(import.meta.dirname, "traffic-program.ts");

/** What a source says of its flows: answers so far, by the address that was asked. */
const tick = z.strictObject({ atMs: z.number(), answered: z.record(z.string(), z.number()) });
type Tick = z.infer<typeof tick>;

/** Datagrams from many places to many addresses, 20 a second each, and what came back. */
export interface Traffic {
  /** True when each flow has had an answer since then (milliseconds of the epoch), a moment's grace for what was under way; else those that had none. */
  readonly flowsSince: (sinceMs: number) => true | readonly string[];
  /** The longest time without an answer that a flow has had since then, and which flow. */
  readonly silence: (sinceMs: number) => { readonly flow: string; readonly ms: number };
  readonly stop: () => Promise<void>;
}

/** What was on its way when the clock was read. */
const UNDER_WAY_MS = 50;

/** Starts it, by places of the lab: to each source the addresses that it sends to. Whoever is sent to has to be a source, too, for it answers. */
export function startTraffic(lab: TestLab, sources: ReadonlyMap<string, readonly string[]>): Traffic {
  const programs = [...sources].map(([source, targets]) => ({
    source,
    targets,
    ...startIn(lab.place(source), [process.execPath, PROGRAM, ...targets]),
  }));
  const flows = (sinceMs: number): { flow: string; ticks: readonly { atMs: number; answers: number }[] }[] =>
    programs.flatMap(({ source, targets, out }) => {
      const ticks = ticksSince(out(), sinceMs);
      return targets.map((target) => ({
        flow: `${source} to ${target}`,
        ticks: ticks.map(({ atMs, answered }) => ({ atMs, answers: answered[target] ?? 0 })),
      }));
    });
  return {
    flowsSince: (sinceMs) => {
      const silent = flows(sinceMs + UNDER_WAY_MS).filter(({ ticks }) => ticks.at(-1)?.answers === ticks[0]?.answers);
      return silent.length === 0 || silent.map(({ flow }) => flow);
    },
    silence: (sinceMs) =>
      flows(sinceMs)
        .map(({ flow, ticks }) => ({ flow, ms: longestSilence(sinceMs, ticks) }))
        .reduce((longest, next) => (next.ms > longest.ms ? next : longest)),
    stop: async () => void (await Promise.all(programs.map(({ stop }) => stop("SIGKILL")))),
  };
}

/** The whole lines of that time. */
function ticksSince(text: string, sinceMs: number): Tick[] {
  const ticks: Tick[] = [];
  for (const line of text.split("\n").slice(0, -1).toReversed()) {
    const next = tick.parse(JSON.parse(line));
    if (next.atMs < sinceMs) break;
    ticks.unshift(next);
  }
  return ticks;
}

function longestSilence(
  sinceMs: number,
  ticks: readonly { readonly atMs: number; readonly answers: number }[],
): number {
  let [lastMs, last, longest] = [sinceMs, ticks[0]?.answers ?? 0, 0];
  for (const { atMs, answers } of ticks) {
    longest = Math.max(longest, atMs - lastMs);
    if (answers > last) [lastMs, last] = [atMs, answers];
  }
  return longest;
}
