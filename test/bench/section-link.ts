import type { LinkFigures, NamedSpread } from "./figures-link.ts";
import { drawTable } from "./markdown.ts";

/** How long a link takes, in words and tables, as Markdown. */
export function drawLink({ rounds, reach, stages, cut }: LinkFigures): string {
  return `## Link

The only link of two clusters, made by \`trestle link create\` and deleted again ${rounds} times, each from rest: peers, routes and firewall entries come and go with it. A program in one pod sends a datagram every 5 ms to one in the other, which sends it back. Milliseconds.

From the link to the first datagram that came back (negative: it was back before that moment):

${drawSpreads("between", reach)}
Where the time goes, one after another:

${drawSpreads("stage", stages)}
From deleting the link to the last datagram that came back:

${drawSpreads("between", cut)}`;
}

function drawSpreads(what: string, spreads: readonly NamedSpread[]): string {
  return drawTable(
    [what, "p50", "max"],
    spreads.map(({ title, p50, max }) => [title, Math.round(p50), Math.round(max)]),
  );
}
