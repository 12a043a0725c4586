import { fileURLToPath } from "node:url";
import { agentDaemon, isListening, logFile, recordProcess } from "../../lab/daemons.ts";
import { breakTarget } from "../../lab/faults.ts";
import { onNode, requireNode } from "../../lab/place.ts";
import type { Place } from "../../lab/place.ts";
import { startDetached } from "../../lab/process.ts";
import { stateOf } from "../../lab/state.ts";
import { contextFile } from "../../lab/trestle.ts";
import { logTail, waitUntil } from "../../lab/wait.ts";
import { runner } from "../../platform/run.ts";
import { ROUTE_PROTOCOL } from "../../tunnel/marks.ts";
import { placeIn } from "./bench.ts";
import type { Bench } from "./bench.ts";
import { BUNDLED, CHECKOUT } from "./bundle.ts";
import { awaitRest } from "./journal.ts";
import { memoryOf } from "./usage.ts";
import type { Memory } from "./usage.ts";

const CLUSTER = "east";
const NODE = "a";
const SEED = fileURLToPath(new URL("./seed-program.ts", import.meta.url));
/** As if the lab had started it. */
const AGENT = `bench:${CLUSTER}/${NODE}`;

/** What garbage collection and the kernel give back in time counts as given back. */
const SETTLE_MS = 30_000;
const SAMPLES = 30;
const SAMPLE_EVERY_MS = 1_000;

export interface MemoryTimes {
  readonly peers: number;
  /** With no peer, a sample a second. */
  readonly alone: readonly Memory[];
  readonly linked: readonly Memory[];
  readonly starts: readonly StartRound[];
}

/** A command from its start to its end, milliseconds. */
export interface StartRound {
  readonly command: string;
  readonly bundled: number;
  readonly checkout: number;
}

/** Runs the bundled agent in the place of one gateway's, alone and then linked with simulated clusters. */
export async function measureMemory(bench: Bench, peers: number, rounds: number): Promise<MemoryTimes> {
  const { lab, layout, progress, signal } = bench;
  const starts = await progress.step(`${rounds} starts of commands`, () => timeStarts(bench, rounds));
  await breakTarget(lab, `agent:${CLUSTER}/${NODE}`, signal);
  const node = requireNode(layout, CLUSTER, NODE);
  const place = onNode(stateOf(lab), node);
  const [program = "nsenter", ...prefix] = place.prefix;
  const { words, serves } = agentDaemon(lab, node);
  const log = logFile(lab, AGENT);
  const agent = await startDetached(program, [...prefix, BUNDLED, ...words], log);
  await recordProcess(lab, AGENT, agent);
  await waitUntil(
    () => (isListening(agent.pid, serves.port) ? true : undefined),
    () => `the bundled agent does not serve; its log:\n${logTail(log)}`,
    { clock: lab.clock, signal, limitMs: 60_000 },
  );
  const alone = await progress.step("agent alone", () => sample(bench, agent.pid));
  await progress.step(`${peers} clusters of three gateways`, () => seed(bench, peers));
  await progress.step("their routes in its kernel", () => awaitRoutes(bench, place, peers));
  const linked = await progress.step("agent linked with them", () => sample(bench, agent.pid));
  return { peers, alone, linked, starts };
}

async function sample(bench: Bench, pid: number): Promise<Memory[]> {
  const { clock } = bench.lab;
  await awaitRest(bench, [AGENT]);
  await clock.sleep(SETTLE_MS, bench.signal);
  const samples: Memory[] = [];
  for (let at = 0; at < SAMPLES; at += 1) {
    samples.push(memoryOf(pid));
    await clock.sleep(SAMPLE_EVERY_MS, bench.signal);
  }
  return samples;
}

async function seed({ lab, signal, ...bench }: Bench, peers: number): Promise<void> {
  const { run } = placeIn({ lab, signal, ...bench }, "hub");
  const words = ["--disable-warning=ExperimentalWarning", SEED, contextFile(lab), String(peers), CLUSTER];
  await run(process.execPath, words, { signal, limitMs: 300_000 });
}

async function awaitRoutes({ lab, signal }: Bench, { run }: Place, peers: number): Promise<void> {
  let held = 0;
  const look = async (): Promise<true | undefined> => {
    const routes = await run("ip", ["route", "show", "proto", String(ROUTE_PROTOCOL)], { signal, limitMs: 60_000 });
    held = new Set(routes.split("\n").flatMap((line) => /^(\d\S+\/20) /.exec(line)?.[1] ?? [])).size;
    return held >= peers ? true : undefined;
  };
  const missing = (): string => `the gateway's kernel holds the pod CIDRs of ${held} of ${peers} clusters`;
  await waitUntil(look, missing, { clock: lab.clock, signal, limitMs: 300_000, everyMs: 1_000 });
}

/** `--help` needs nothing; `status` connects and asks the lab's hub. */
async function timeStarts(bench: Bench, rounds: number): Promise<StartRound[]> {
  const hub = placeIn(bench, "hub").run;
  const commands = [
    { command: "--help", run: runner(), words: ["--help"] },
    { command: "status", run: hub, words: ["status", "--context", contextFile(bench.lab)] },
  ];
  const timed: StartRound[] = [];
  // One more, to warm up, that does not count.
  for (let round = 0; round <= rounds; round += 1) {
    for (const { command, run, words } of commands) {
      const time = async (program: string): Promise<number> => {
        const start = performance.now();
        await run(program, words, { signal: bench.signal });
        return performance.now() - start;
      };
      const figures = { command, bundled: await time(BUNDLED), checkout: await time(CHECKOUT) };
      if (round > 0) timed.push(figures);
    }
  }
  return timed;
}
