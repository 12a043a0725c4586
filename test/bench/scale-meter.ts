import { readFileSync } from "node:fs";
import { pidsIn } from "../../tunnel/testing/namespace.ts";
import type { TestNode } from "../../tunnel/testing/namespace.ts";
import { openLauncher } from "../../platform/launch/launcher.ts";
import { runner } from "../../platform/run.ts";
import type { Run } from "../../platform/run.ts";
import { findTool } from "../../platform/tools.ts";
import { cpuMs } from "./usage.ts";

/** What stands between a start and an end. Milliseconds. */
export interface Cost {
  readonly wallMs: number;
  /** CPU of this process, in which planners and appliers run. */
  readonly ownMs: number;
  /** CPU of the programs that it started; the kernel's work for them is in it. In steps of 10 ms. */
  readonly programsMs: number;
  /** CPU of the node's wireguard-go processes. In steps of 10 ms. */
  readonly tunnelsMs: number;
  /** Time during which programs of a part ran, by part. */
  readonly parts: Readonly<Record<string, number>>;
}

/** Measures what is done to a node by the programs that {@link Meter.run} starts on it. */
export interface Meter {
  /** As an agent's: by a launcher, inside the node. */
  readonly run: Run;
  cost<T>(work: () => Promise<T>): Promise<readonly [T, Cost]>;
  close(): Promise<void>;
}

interface Spell {
  readonly part: string;
  readonly start: number;
  readonly end: number;
}

export function meterOn(node: TestNode): Meter {
  let spells: Spell[] = [];
  const launcher = openLauncher(findTool("trestle-launch", ""), node.prefix);
  const launched = runner([], launcher.launch);
  const programsMs = (): number => (launcher.pid === undefined ? 0 : withChildrenMs(launcher.pid));
  const tunnelsMs = async (): Promise<number> => (await tunnelPids(node)).reduce((sum, pid) => sum + cpuMs(pid), 0);
  return {
    run: async (program, args, options) => {
      const start = performance.now();
      try {
        return await launched(program, args, options);
      } finally {
        const part = partOf([program, ...args, ...firstWord(options?.stdin)]);
        spells.push({ part, start, end: performance.now() });
      }
    },
    cost: async (work) => {
      const tunnels = await tunnelsMs();
      const programs = programsMs();
      const own = process.cpuUsage();
      spells = [];
      const start = performance.now();
      const value = await work();
      const wallMs = performance.now() - start;
      const { user, system } = process.cpuUsage(own);
      const cost = {
        wallMs,
        ownMs: (user + system) / 1_000,
        programsMs: programsMs() - programs,
        tunnelsMs: (await tunnelsMs()) - tunnels,
        parts: partsOf(spells),
      };
      return [value, cost];
    },
    close: launcher.close,
  };
}

/** By a word of its command, or the first of what it is given to read; the first that fits. */
const WORDS = {
  routes: ["route"],
  nexthops: ["nexthop"],
  firewall: ["nft", "cat", "iptables", "ip6tables"],
  peers: ["wg"],
  sysctls: ["grep", "tee"],
} as const;

function partOf(words: readonly string[]): string {
  const fits = ([, own]: [string, readonly string[]]): boolean => own.some((word) => words.includes(word));
  return Object.entries(WORDS).find(fits)?.[0] ?? "devices and addresses";
}

function firstWord(text: string | undefined): string[] {
  return text === undefined ? [] : [/^\w*/.exec(text)?.[0] ?? ""];
}

/** Milliseconds during which at least one program of a part ran. */
function partsOf(spells: readonly Spell[]): Readonly<Record<string, number>> {
  const byPart = [...Map.groupBy(spells, ({ part }) => part)];
  return Object.fromEntries(byPart.map(([part, ofPart]) => [part, covered(ofPart)]));
}

function covered(spells: readonly Spell[]): number {
  let [sum, until] = [0, 0];
  for (const { start, end } of spells.toSorted((a, b) => a.start - b.start)) {
    sum += Math.max(0, end - Math.max(start, until));
    until = Math.max(until, end);
  }
  return sum;
}

async function tunnelPids(node: TestNode): Promise<number[]> {
  const pids = await pidsIn(node.name);
  return pids.filter((pid) => readFileSync(`/proc/${pid}/comm`, "utf8").trim() === "wireguard-go");
}

/** Of a process and of its children that ended and were waited for, proc_pid_stat(5). */
function withChildrenMs(pid: number): number {
  const text = readFileSync(`/proc/${pid}/stat`, "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return fields.slice(11, 15).reduce((sum, ticks) => sum + Number(ticks), 0) * 10;
}
