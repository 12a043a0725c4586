import type { HubFigures, ResyncFigures } from "./figures-hub.ts";
import { verdict } from "./goal.ts";
import { drawTable } from "./markdown.ts";

const GOAL = { p50: 50, p99: 150, resync: 10 } as const;

/** What a hub costs, in words and tables, as Markdown. */
export function drawHub({ members, changes, first, again }: HubFigures): string {
  const rounds = changes[0]?.rounds.length ?? 0;
  const series = changes.map(({ title, seenBy, kilobytes, p50, p99, plainP50, plainP99, hubMs, natsMs }) => [
    title,
    seenBy,
    kilobytes,
    `${p50} / ${p99}`,
    `${plainP50} / ${plainP99}`,
    hubMs,
    natsMs,
    `${verdict(p50, GOAL.p50)} / ${verdict(p99, GOAL.p99)}`,
  ]);
  return `## Hub

A bundled hub and its nats-server as the hub configures it (TLS, two accounts), with ${members} members of three gateways each, simulated: their Clusters are in the hub's store, and each listens to its mailbox by a connection and a credential of its own; all ${members} connections end in the benchmark's process. Hub, server and members share the CPUs.

One gateway's key changes, ${rounds} times for each mesh, each from rest: from the write into the hub's store to the last member that is to see it having the page and the signed head that names it. Beside it, in turns, the same bytes published plainly to the same members, with no hub, store or signature. Milliseconds, p50 / p99; CPU is the median of a change. The goal is ${GOAL.p50} / ${GOAL.p99}.

${drawTable(["what changes", "seen by", "kB to each", "change", "plain publish", "CPU of hub", "CPU of server", "goal"], series)}
Every member's view at once, seconds; the goal is ${GOAL.resync}.

${drawTable(
  ["full mesh", "hub active after", "last member after", "CPU of hub", "CPU of server", "goal"],
  [drawResync("linked for the first time: all pages written", first), drawResync("hub started again (slowest)", again)],
)}`;
}

function drawResync(title: string, { active, last, hub, nats }: ResyncFigures): (string | number)[] {
  return [title, active ?? "was active", last, hub, nats, verdict(last, GOAL.resync)];
}
