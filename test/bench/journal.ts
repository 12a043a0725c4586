import { readFileSync } from "node:fs";
import { z } from "zod";
import { logFile } from "../../lab/daemons.ts";
import { waitUntil } from "../../lab/wait.ts";
import type { Bench } from "./bench.ts";

/** What one of the lab's daemons did, and when (milliseconds of the wall clock). */
export interface Deed {
  readonly event: string;
  readonly at: number;
}

const QUIET_MS = 700;

const line = z.object({ event: z.string(), time: z.iso.datetime() });

/** What a daemon wrote into its log from `since` on; lines that are no JSON are somebody else's. */
export function deedsOf({ lab }: Bench, daemon: string, since: number): Deed[] {
  return readFileSync(logFile(lab, daemon), "utf8")
    .split("\n")
    .flatMap((text) => {
      const read = text.startsWith("{") ? line.safeParse(JSON.parse(text)) : undefined;
      return read?.success === true ? [{ event: read.data.event, at: Date.parse(read.data.time) }] : [];
    })
    .filter(({ at }) => at >= since);
}

/** Waits until none of the lab's daemons has anything to say of what it does: each round starts from rest. */
export async function awaitRest(bench: Bench, daemons: readonly string[]): Promise<void> {
  const { lab, signal } = bench;
  const started = lab.clock.now();
  const resting = (): true | undefined => {
    const since = lab.clock.now() - QUIET_MS;
    return since >= started && daemons.every((daemon) => deedsOf(bench, daemon, since).length === 0) ? true : undefined;
  };
  await waitUntil(resting, () => `the daemons do not come to rest`, { clock: lab.clock, signal, limitMs: 60_000 });
}
