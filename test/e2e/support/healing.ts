import { readFileSync } from "node:fs";
import { z } from "zod";
import { logFile } from "../../../lab/daemons.ts";
import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { orStop, startIn } from "./background.ts";
import type { TestLab } from "./test-lab.ts";

/** Pings that tell when each was answered. */
export interface DatedPings {
  /** The longest silence between two answers so far: its first and its last moment, milliseconds of the epoch. */
  readonly silence: () => { readonly fromMs: number; readonly toMs: number };
  /** When the first was answered after that moment, if one was. */
  readonly firstSince: (ms: number) => number | undefined;
  /** Whether one was answered after that moment. */
  readonly answeredSince: (ms: number) => true | string;
  readonly stop: () => Promise<void>;
}

/** Pings `address` every 20 ms until it is stopped; resolves when two were answered. */
export async function startDatedPings(from: Place, address: string): Promise<DatedPings> {
  const ping = startIn(from, ["ping", "-n", "-D", "-i", "0.02", address]);
  const answers = (): number[] =>
    [...ping.out().matchAll(/^\[(\d+\.\d+)\] \d+ bytes from /gm)].map(([, seconds]) => Number(seconds) * 1000);
  await orStop([ping], () => eventually(() => answers().length > 1 || ping.out()));
  return {
    silence: () => {
      const all = answers();
      const silences = all.slice(1).map((toMs, at) => ({ fromMs: all[at] ?? toMs, toMs }));
      return silences.reduce((longest, next) =>
        next.toMs - next.fromMs > longest.toMs - longest.fromMs ? next : longest,
      );
    },
    firstSince: (ms) => answers().find((at) => at > ms),
    answeredSince: (ms) => (answers().at(-1) ?? 0) > ms || ping.out().slice(-300),
    stop: () => ping.stop("SIGINT"),
  };
}

const added = z.object({ time: z.string(), event: z.literal("pod-added"), pod: z.string() });

/** When a node's agent last answered that it gave a pod its network, milliseconds of the epoch. */
export function addedAtMs({ lab }: Pick<TestLab, "lab">, node: string, pod: string): number {
  const lines = readFileSync(logFile(lab, `agent:${node}`), "utf8")
    .split("\n")
    .slice(0, -1);
  const last = lines
    .map((line) => added.safeParse(parseLine(line)).data)
    .findLast((each) => each?.pod === `default/${pod}`);
  if (last === undefined) throw new Error(`the agent of ${node} did not log that it added ${pod}`);
  return Date.parse(last.time);
}

/** Of what is not an agent's own a log may have lines, too. */
function parseLine(line: string): unknown {
  try {
    return JSON.parse(line);
  } catch {
    return undefined;
  }
}
