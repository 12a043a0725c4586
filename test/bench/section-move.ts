import { verdict } from "./goal.ts";
import { drawTable } from "./markdown.ts";
import type { Move } from "./move.ts";
import { median, percentile, rounded } from "./stats.ts";

/** Of "a move heals in under 0.5 s". */
const GOAL_MS = 500;

/** How long a pod that moves is not found on its LAN, in words and a table, as Markdown. */
export function drawMoves(moves: readonly Move[]): string {
  const rows = ([4, 6] as const).map((family) => {
    const all = moves.map(({ healedMs }) => healedMs[family]);
    const longest = percentile(all, 100);
    const met = `≤ ${GOAL_MS}: ${verdict(longest, GOAL_MS)}`;
    return [`IPv${family}`, rounded(median(all), 0), rounded(longest, 0), met];
  });
  return `## Move

A StatefulSet's pod with addresses of the LAN, moved ${moves.length} times between two living nodes, while a machine of the LAN that believes for an hour what it knows of its neighbours pings it every 20 ms: from the plugin's answer on the new node to the first ping that is answered. Milliseconds.

${drawTable(["family", "p50", "longest", "goal"], rows)}`;
}
