import { spawn } from "node:child_process";
import { once } from "node:events";
import { createInterface } from "node:readline";
import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";

/** Follows what changes in a kernel, whoever does it. */
export interface KernelMonitor {
  /** One line a change so far. */
  readonly seen: () => string[];
  readonly stop: () => Promise<string[]>;
}

/** What a program follows, and a change that shows that it has begun to. */
const PROGRAMS = [
  {
    words: ["ip", "-o", "monitor", "link", "address", "route", "nexthop", "rule"],
    provoke: "ip route add blackhole 192.0.2.254 && ip route delete blackhole 192.0.2.254",
    provoked: "192.0.2.254",
  },
  {
    words: ["nft", "monitor"],
    provoke: "nft add table inet e2e-begin && nft delete table inet e2e-begin",
    provoked: "e2e-begin",
  },
];

/** Starts to follow; from when it resolves on, nothing escapes it. */
export async function monitorKernel({ prefix, run }: Place): Promise<KernelMonitor> {
  const lines: string[] = [];
  const children = PROGRAMS.map(({ words }) => {
    const [program = "", ...rest] = [...prefix, ...words];
    const child = spawn(program, rest, { stdio: ["ignore", "pipe", "ignore"] });
    createInterface({ input: child.stdout }).on("line", (line) => lines.push(line));
    return child;
  });
  const seen = (): string[] => lines.filter(isChange);
  const stop = async (): Promise<string[]> => {
    const ended = children.map((child) => once(child, "close"));
    for (const child of children) child.kill();
    await Promise.all(ended);
    return seen();
  };
  try {
    for (const { provoke, provoked } of PROGRAMS) {
      await eventually(async () => {
        await run("sh", ["-c", provoke]);
        return lines.some((line) => line.includes(provoked)) || lines;
      });
    }
  } catch (error) {
    await stop();
    throw error;
  }
  return { seen, stop };
}

/** False for what this file provoked, for nft's comments, and for the multicast that the kernel minds by itself. */
function isChange(line: string): boolean {
  return (
    line.trim() !== "" &&
    !PROGRAMS.some(({ provoked }) => line.includes(provoked)) &&
    !line.startsWith("#") &&
    !/\bff\d\d:/.test(line)
  );
}
