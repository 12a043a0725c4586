import { readFileSync } from "node:fs";
import { pidsIn } from "../../tunnel/testing/namespace.ts";
import type { TestNode } from "../../tunnel/testing/namespace.ts";
import type { Run } from "../../platform/run.ts";
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
  readonly run: Run;
  cost<T>(work: () => Promise<T>): Promise<readonly [T, Cost]>;
}

interface Spell {
  readonly part: string;
  readonly start: number;
  readonly end: number;
}

export function meterOn(node: TestNode): Meter {
  let spells: Spell[] = [];
  const tunnelsMs = async (): Promise<number> => (await tunnelPids(node)).reduce((sum, pid) => sum + cpuMs(pid), 0);
  return {
    run: async (program, args, options) => {
      const start = performance.now();
      try {
        return await node.run(program, args, options);
      } finally {
        const part = partOf([program, ...args, ...firstWord(options?.stdin)]);
        spells.push({ part, start, end: performance.now() });
      }
    },
    cost: async (work) => {
      const tunnels = await tunnelsMs();
      const programs = childrenMs();
      const own = process.cpuUsage();
      spells = [];
      const start = performance.now();
      const value = await work();
      const wallMs = performance.now() - start;
      const { user, system } = process.cpuUsage(own);
      const cost = {
        wallMs,
        ownMs: (user + system) / 1_000,
        programsMs: childrenMs() - programs,
        tunnelsMs: (await tunnelsMs()) - tunnels,
        parts: partsOf(spells),
      };
      return [value, cost];
    },
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

/** Of children that ended and were waited for, proc_pid_stat(5). */
function childrenMs(): number {
  const text = readFileSync("/proc/self/stat", "utf8");
  const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
  return (Number(fields[13]) + Number(fields[14])) * 10;
}
