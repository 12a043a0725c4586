import { parseArgs } from "node:util";
import { preflight } from "../../lab/preflight.ts";
import { createProgress } from "../../lab/progress.ts";
import { systemClock } from "../../platform/clock.ts";
import { messageOf } from "../../platform/errors.ts";
import type { Bench } from "./bench.ts";
import { buildBundle } from "./bundle.ts";
import { timeBursts } from "./burst.ts";
import { BURST, timeCNI } from "./cni.ts";
import { comparePaths } from "./compare.ts";
import { burstFigures, cniFigures } from "./figures-cni.ts";
import { hubFigures } from "./figures-hub.ts";
import { ipamFigures } from "./figures-ipam.ts";
import { linkFigures } from "./figures-link.ts";
import { memoryFigures } from "./figures-memory.ts";
import { pathFigures } from "./figures-paths.ts";
import { scaleFigures } from "./figures-scale.ts";
import { timeHub } from "./hub.ts";
import { timeIPAM } from "./ipam.ts";
import { createLink, timeLinks } from "./link.ts";
import { describeMachine } from "./machine.ts";
import type { Machine } from "./machine.ts";
import { measureMemory } from "./memory.ts";
import { timeMoves } from "./move.ts";
import { withLab } from "./own-lab.ts";
import { keepResult } from "./results.ts";
import { timeScale } from "./scale.ts";
import { drawCNI } from "./section-cni.ts";
import { drawHub } from "./section-hub.ts";
import { drawIPAM } from "./section-ipam.ts";
import { drawLink } from "./section-link.ts";
import { drawMemory } from "./section-memory.ts";
import { drawMoves } from "./section-move.ts";
import { drawPaths } from "./section-paths.ts";
import { drawScale } from "./section-scale.ts";

const USAGE = `usage: npm run bench -- [link] [paths] [memory] [hub] [scale] [ipam] [cni] [move] [--rounds N] [--seconds N] [--members N] [--pods N]

  link            time from link create to the first packet from pod to pod (15 rounds)
  paths           throughput, CPU and latency of both kinds beside a hand-made tunnel and no tunnel (9 rounds)
  memory          a bundled agent's memory with many peers, and how fast commands start (15 rounds)
  hub             from a change to the last of many members, and all of them at once (30 rounds)
  scale           what linked clusters cost a gateway: plan and kernel, first and change by change (3 rounds)
  ipam            what an address costs while ever more are in use (5 rounds)
  cni             whole ADD and DEL of the plugin beside ptp with host-local (60 rounds), and bursts of pods
  move            how long a pod that moves to another node of its LAN is not found there (20 rounds)
  --rounds N      as many rounds of each
  --seconds N     length of each throughput figure (2)
  --members N     as many members or peers (1000)
  --pods N        as many pods of a burst over ten nodes (1000)
`;

interface Wishes {
  readonly rounds: number | undefined;
  readonly seconds: number;
  readonly members: number;
  readonly pods: number;
}

/** What a benchmark comes to: see Result. */
interface Outcome {
  readonly figures: object;
  readonly section: string;
}

/** On a lab, by name; link first, for it needs a mesh without a link and leaves it so. Memory last: it fills the mesh. */
const ON_LAB = {
  link: async (bench: Bench, { rounds = 15 }: Wishes) => {
    const figures = linkFigures(await timeLinks(bench, rounds));
    return { figures, section: drawLink(figures) };
  },
  paths: async (bench: Bench, { rounds = 9, seconds }: Wishes) => {
    await createLink(bench);
    const comparisons = [
      await comparePaths(bench, "WireGuard", rounds, seconds),
      await comparePaths(bench, "VXLAN", rounds, seconds),
    ];
    const figures = pathFigures(comparisons);
    return { figures, section: drawPaths(figures) };
  },
  memory: async (bench: Bench, { rounds = 15, members }: Wishes) => {
    const figures = memoryFigures(await measureMemory(bench, members, rounds));
    return { figures, section: drawMemory(figures) };
  },
} satisfies Record<string, (bench: Bench, wishes: Wishes) => Promise<Outcome>>;

/** Without that lab, by name. */
const ALONE = {
  hub: async (on: Pick<Bench, "progress" | "signal">, { rounds = 30, members }: Wishes) => {
    const figures = hubFigures(await timeHub(members, rounds, on));
    return { figures, section: drawHub(figures) };
  },
  scale: async (on: Pick<Bench, "progress" | "signal">, { rounds = 3, members }: Wishes) => {
    const figures = scaleFigures(await timeScale(members, rounds, on));
    return { figures, section: drawScale(figures) };
  },
  ipam: async (on: Pick<Bench, "progress" | "signal">, { rounds = 5 }: Wishes) => {
    const figures = ipamFigures(await timeIPAM(rounds, on));
    return { figures, section: drawIPAM(figures) };
  },
  cni: async (on: Pick<Bench, "progress" | "signal">, { rounds = 60, pods }: Wishes) => {
    const calls = cniFigures(await timeCNI(rounds, on), BURST);
    const figures = { ...calls, burst: burstFigures(await timeBursts(pods, on)) };
    return { figures, section: drawCNI(figures) };
  },
  move: async (on: Pick<Bench, "progress" | "signal">, { rounds = 20 }: Wishes) => {
    const moves = await timeMoves(rounds, on);
    return { figures: { moves }, section: drawMoves(moves) };
  },
} satisfies Record<string, (on: Pick<Bench, "progress" | "signal">, wishes: Wishes) => Promise<Outcome>>;

type Name = keyof typeof ON_LAB | keyof typeof ALONE;
const NAMES = [...Object.keys(ON_LAB), ...Object.keys(ALONE)] as readonly Name[];

async function runBenchmarks(names: readonly Name[], wishes: Wishes, signal: AbortSignal): Promise<void> {
  preflight(process.env["PATH"] ?? "", { iperf3: "iperf3", ping: "iputils-ping" });
  const machine = await describeMachine();
  const progress = createProgress({
    write: (text) => process.stderr.write(text),
    clock: systemClock,
    live: process.stderr.isTTY,
    colour: process.stderr.hasColors?.() ?? false,
  });
  await progress.step("bundle", () => buildBundle(signal));
  const onLab = names.filter((name) => isIn(ON_LAB, name));
  if (onLab.length > 0) await runOnLab(onLab, wishes, { machine, progress, signal });
  for (const name of names.filter((each) => isIn(ALONE, each))) {
    progress.say(`${name}:`);
    keep(name, undefined, machine, await ALONE[name]({ progress, signal }, wishes));
  }
}

/** All on one lab. */
async function runOnLab(
  names: readonly (keyof typeof ON_LAB)[],
  wishes: Wishes,
  { machine, ...on }: { readonly machine: Machine } & Pick<Bench, "progress" | "signal">,
): Promise<void> {
  await withLab("lab.yaml", on, async (bench) => {
    const nodes = bench.layout.sites.reduce((sum, site) => sum + site.nodes.length, 0);
    for (const name of names) {
      bench.progress.say(`${name}:`);
      keep(name, nodes, machine, await ON_LAB[name](bench, wishes));
    }
  });
}

function isIn<T extends object>(benchmarks: T, name: Name | keyof T): name is keyof T & Name {
  return Object.hasOwn(benchmarks, name);
}

function keep(name: Name, nodes: number | undefined, machine: Machine, { figures, section }: Outcome): void {
  keepResult({ name, machine, nodes, figures, section });
  console.log(`\n${section}`);
}

/** @throws Error that says what is wrong with the command line */
function readWords(): { readonly names: readonly Name[]; readonly wishes: Wishes } {
  const string = { type: "string" } as const;
  const { values, positionals } = parseArgs({
    options: { rounds: string, seconds: string, members: string, pods: string },
    allowPositionals: true,
  });
  const unknown = positionals.find((word) => !NAMES.some((name) => name === word));
  if (unknown !== undefined) throw new Error(`there is no benchmark ${unknown}; there are ${NAMES.join(", ")}`);
  return {
    names: NAMES.filter((name) => positionals.length === 0 || positionals.includes(name)),
    wishes: {
      rounds: readCount("rounds", values.rounds),
      seconds: readCount("seconds", values.seconds) ?? 2,
      members: readCount("members", values.members) ?? 1_000,
      pods: readCount("pods", values.pods) ?? 1_000,
    },
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
