import type { MemoryFigure, MemoryFigures } from "./figures-memory.ts";
import { verdict } from "./goal.ts";
import { drawTable } from "./markdown.ts";

const GOAL_MB = 100;

/** What the bundled programs cost, in words and tables, as Markdown. */
export function drawMemory({ peers, alone, linked, starts, rounds }: MemoryFigures): string {
  const row = (title: string, { rss, highestRSS, pss }: MemoryFigure): (string | number)[] => [
    title,
    rss,
    highestRSS,
    pss,
    verdict(rss, GOAL_MB),
  ];
  return `## Bundled

The bundled agent of a gateway of the lab, which is the member controller too: its own store, its mailbox, its kernel. Sampled for half a minute after half a minute of rest; MB, where the goal is ${GOAL_MB} with ${peers} clusters of three gateways each. RSS counts Node's own program, which all its processes share, PSS by share.

${drawTable(
  ["agent", "RSS, median", "RSS, highest", "PSS, median", `RSS ≤ ${GOAL_MB}`],
  [row("linked with nobody", alone), row(`linked with ${peers} clusters`, linked)],
)}
A command from its start to its end, medians of ${rounds}, ms.

${drawTable(
  ["command", "bundled", "from the checkout"],
  starts.map(({ command, bundled, checkout }) => [`\`trestle ${command}\``, bundled, checkout]),
)}`;
}
