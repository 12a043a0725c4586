import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { orStop, startIn } from "./background.ts";

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
export async function monitorKernel(at: Place): Promise<KernelMonitor> {
  const monitors = PROGRAMS.map(({ words, ...program }) => ({ ...program, monitor: startIn(at, words) }));
  const programs = monitors.map(({ monitor }) => monitor);
  // A line that is not yet whole is none.
  const seen = (): string[] => programs.flatMap(({ out }) => out().split("\n").slice(0, -1)).filter(isChange);
  await orStop(programs, async () => {
    for (const { provoke, provoked, monitor } of monitors) {
      await eventually(async () => {
        await at.run("sh", ["-c", provoke]);
        return monitor.out().includes(provoked) || monitor.out();
      });
    }
  });
  return {
    seen,
    stop: async () => {
      await Promise.all(programs.map(({ stop }) => stop("SIGTERM")));
      return seen();
    },
  };
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
