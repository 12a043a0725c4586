import { randomBytes } from "node:crypto";
import path from "node:path";
import { parseArgs } from "node:util";
import { takeDown } from "../../lab/down.ts";
import { layoutOf } from "../../lab/layout.ts";
import { preflight } from "../../lab/preflight.ts";
import { createProgress } from "../../lab/progress.ts";
import { readLabFile } from "../../lab/read-file.ts";
import { openLab } from "../../lab/state.ts";
import { bringUp } from "../../lab/up.ts";
import { systemClock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import { runner } from "../../platform/run.ts";
import type { Bench } from "./bench.ts";
import { comparePaths } from "./compare.ts";
import { linkFigures } from "./figures-link.ts";
import { pathFigures } from "./figures-paths.ts";
import { createLink, timeLinks } from "./link.ts";
import { describeMachine } from "./machine.ts";
import { keepResult } from "./results.ts";
import { drawLink } from "./section-link.ts";
import { drawPaths } from "./section-paths.ts";

const USAGE = `usage: npm run bench -- [--only link|paths] [--rounds N] [--seconds N]

  --only link     time from link create to the first packet from pod to pod (15 rounds)
  --only paths    throughput and latency beside a hand-made tunnel and no tunnel (5 rounds)
  --rounds N      as many rounds of each
  --seconds N     length of each throughput figure (3)
`;

interface Wishes {
  readonly rounds: number | undefined;
  readonly seconds: number;
}

/** By name; link first, for it needs a mesh without a link and leaves it so. */
const BENCHMARKS = {
  link: async (bench: Bench, { rounds = 15 }: Wishes) => {
    const figures = linkFigures(await timeLinks(bench, rounds));
    return { figures, section: drawLink(figures) };
  },
  paths: async (bench: Bench, { rounds = 5, seconds }: Wishes) => {
    await createLink(bench);
    const figures = pathFigures(await comparePaths(bench, rounds, seconds));
    return { figures, section: drawPaths(figures) };
  },
} as const;
type Name = keyof typeof BENCHMARKS;

/** Brings a lab up, measures on it, takes it away whatever happened. */
async function runBenchmarks(names: readonly Name[], wishes: Wishes, signal: AbortSignal): Promise<void> {
  preflight(process.env["PATH"] ?? "", { iperf3: "iperf3", ping: "iputils-ping" });
  const machine = await describeMachine();
  const progress = createProgress({
    write: (text) => process.stderr.write(text),
    clock: systemClock,
    live: process.stderr.isTTY,
    colour: process.stderr.hasColors?.() ?? false,
  });
  const file = readLabFile(path.join(import.meta.dirname, "lab.yaml"));
  const lab = openLab(`bench${randomBytes(3).toString("hex")}`, systemClock);
  const layout = layoutOf(lab.name, file);
  const nodes = layout.sites.reduce((sum, site) => sum + site.nodes.length, 0);
  try {
    await bringUp(lab, file, "all", { progress, signal });
    for (const name of names) {
      progress.say(`${name}:`);
      const { figures, section } = await BENCHMARKS[name]({ lab, layout, progress, signal }, wishes);
      keepResult({ name, machine, nodes, figures, section });
      console.log(`\n${section}`);
    }
  } finally {
    await takeDown(lab, runner(), new AbortController().signal);
  }
}

/** @throws Error that says what is wrong with the command line */
function readWords(): { readonly names: readonly Name[]; readonly wishes: Wishes } {
  const string = { type: "string" } as const;
  const { values } = parseArgs({ options: { only: string, rounds: string, seconds: string } });
  const all = Object.keys(BENCHMARKS) as Name[];
  const names = all.filter((name) => values.only === undefined || name === values.only);
  if (names.length === 0) throw new Error(`--only takes one of ${all.join(", ")}`);
  return {
    names,
    wishes: { rounds: readCount("rounds", values.rounds), seconds: readCount("seconds", values.seconds) ?? 3 },
  };
}

function readCount(option: string, text: string | undefined): number | undefined {
  if (text === undefined || /^[1-9]\d{0,3}$/.test(text)) return text === undefined ? undefined : Number(text);
  throw new Error(`--${option} takes a number from 1 to 9999`);
}

const stop = new AbortController();
// Once is enough: however often a person presses Ctrl-C, the lab is taken away.
for (const name of ["SIGINT", "SIGTERM"] as const) process.on(name, () => stop.abort());

let words;
try {
  words = readWords();
} catch (error) {
  process.stderr.write(`${messageOf(error)}\n\n${USAGE}`);
  process.exit(2);
}
try {
  await runBenchmarks(words.names, words.wishes, stop.signal);
} catch (error) {
  process.stderr.write(stop.signal.aborted ? "stopped; nothing is left\n" : `${messageOf(error)}\n`);
  process.exitCode = stop.signal.aborted ? 130 : 1;
}
