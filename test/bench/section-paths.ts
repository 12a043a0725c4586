import type { Compared, PathFigures, TunnelFigures } from "./figures-paths.ts";
import { drawTable } from "./markdown.ts";
import { VARIANTS } from "./paths.ts";

/** Of a hand-made tunnel's throughput. */
const GOAL = 0.97;

const COLUMNS = ["between", "Trestle", "hand-made", "no tunnel"];

/** The comparison in words and tables, as Markdown. */
export function drawPaths({ rounds, secondsEach, tunnels }: PathFigures): string {
  return `## Pod to pod

The same pods by three ways: Trestle's tunnel, a tunnel of the same kind and MTU made by hand between the same gateways, and no tunnel at all. ${rounds} rounds for each kind, taking turns for every figure in ever another order, ${secondsEach} s a figure after 1 s of warm-up; the gateways' counters witness that the packets went where they should. Packets of the other two ways have addresses that Trestle knows nothing of: they pass the nodes' firewall without meeting a rule that is for them, and are not tracked.

All of it, senders, receivers, routers and both sites, is one machine and shares its CPUs, so a figure is what all of them reach together. Quotients are taken round by round; where they scatter widely, the machine did. The goal for throughput is a median of ${GOAL} of the hand-made tunnel's.

${tunnels.map(drawTunnel).join("\n")}`;
}

function drawTunnel({ kind, by, mtu, throughput, latency }: TunnelFigures): string {
  const name = (way: string, streams: number): string => `${way}, ${streams === 1 ? "1 stream" : `${streams} streams`}`;
  const speeds = throughput.map(({ way, streams, speed }) => [
    name(way, streams),
    ...compare(speed, 0),
    speed.toHandMade.median >= GOAL ? "met" : "not met",
  ]);
  const costs = throughput.map(({ way, streams, cpu }) => [name(way, streams), ...compare(cpu, 2)]);
  const times = latency.map(({ way, p50, p99 }) => [
    way,
    ...VARIANTS.map((variant) => `${p50[variant]} / ${p99[variant]}`),
  ]);
  const quotient = ["Trestle / hand-made", "in the rounds"];
  return `### ${kind}

By ${by}, MTU ${mtu}. TCP by iperf3, Mbit/s, medians:

${drawTable([...COLUMNS, ...quotient, `≥ ${GOAL}`], speeds)}
CPU seconds of the whole machine for a gigabit of payload (10⁹ bits), less what it did when nothing was asked of it, just before each figure:

${drawTable([...COLUMNS, ...quotient], costs)}
Round trip of an ICMP echo, ms, p50 / p99 of all rounds:

${drawTable(COLUMNS, times)}`;
}

function compare({ median, toHandMade: { rounds, median: middle } }: Compared, decimals: number): string[] {
  return [
    ...VARIANTS.map((variant) => median[variant].toFixed(decimals)),
    middle.toFixed(3),
    `${Math.min(...rounds).toFixed(3)} to ${Math.max(...rounds).toFixed(3)}`,
  ];
}
