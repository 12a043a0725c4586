import type { PathFigures } from "./figures-paths.ts";
import { drawTable } from "./markdown.ts";
import { VARIANTS } from "./paths.ts";

const TITLES = { trestle: "Trestle", "hand-made": "hand-made WireGuard", bare: "no tunnel" } as const;

/** The comparison in words and tables, as Markdown. */
export function drawPaths({ tunnel, rounds, secondsEach, throughput, latency }: PathFigures): string {
  const columns = VARIANTS.map((variant) => TITLES[variant]);
  const speeds = throughput.map((figures) => [
    `${figures.way}, ${figures.streams === 1 ? "1 stream" : `${figures.streams} streams`}`,
    ...VARIANTS.map((variant) => figures.median[variant]),
    figures.toHandMade.median.toFixed(3),
    `${Math.min(...figures.toHandMade.rounds).toFixed(3)} to ${Math.max(...figures.toHandMade.rounds).toFixed(3)}`,
  ]);
  const times = latency.map(({ way, p50, p99 }) => [
    way,
    ...VARIANTS.map((variant) => `${p50[variant]} / ${p99[variant]}`),
  ]);
  const both = tunnel.wireguard === "kernel" ? "the kernel's WireGuard" : "wireguard-go";
  return `## Pod to pod

The same pods by three ways: Trestle's tunnel, a tunnel made by hand between the same gateways (${both} in both, MTU ${tunnel.mtu}), and no tunnel at all. ${rounds} rounds, taking turns for every figure, ${secondsEach} s a figure after 1 s of warm-up; the gateways' counters witness that the packets went where they should. All of it, senders and receivers too, shares the CPUs, and packets of all three pass the nodes' firewall.

TCP by iperf3, Mbit/s, medians; the quotient is taken round by round.

${drawTable(["between", ...columns, "Trestle / hand-made", "in the rounds"], speeds)}
Round trip of an ICMP echo, ms, p50 / p99 of all rounds.

${drawTable(["between", ...columns], times)}`;
}
