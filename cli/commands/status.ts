import { Command } from "commander";
import type { StatusAnswer } from "../../crds/wire/hub-api.ts";
import { examplesText } from "../command.ts";
import { redraw } from "../frames.ts";
import { globalsOf } from "../globals.ts";
import { revisionText } from "../kinds/looks.ts";
import { pairColumns } from "../kinds/pair.ts";
import { renderOne } from "../output.ts";
import type { Look } from "../output.ts";
import type { Shell } from "../shell.ts";
import { renderTable } from "../table.ts";
import type { Column } from "../table.ts";
import { since } from "../time.ts";

const REFRESH_MS = 1_000;

type ClusterLine = StatusAnswer["clusters"][number];

const clusterColumns: readonly Column<ClusterLine>[] = [
  { title: "CLUSTER", cell: ({ name }) => name },
  { title: "NUMBER", cell: ({ number }) => (number === undefined ? "" : String(number)) },
  { title: "POD CIDRS", cell: ({ podCIDRs }) => podCIDRs.join(",") },
  { title: "DESIRED", cell: ({ desired }) => revisionText(desired) },
  { title: "APPLIED", cell: ({ applied }) => revisionText(applied) },
  { title: "LAST SEEN", cell: ({ lastSeen }, now) => since(lastSeen, now) },
];

/** `trestle status`: the whole mesh on one page. */
export function statusCommand(shell: Shell): Command {
  return new Command("status")
    .description(
      "What the mesh looks like now: every cluster, and every pair of linked ones as its gateways report it.",
    )
    .option("-w, --watch", "keep showing it as it changes")
    .addHelpText(
      "after",
      examplesText([
        "trestle status                       one look",
        "trestle status --watch               stay, until Ctrl-C",
        "trestle status --output json | jq '.pairs[] | select(.state != \"Up\")'",
      ]),
    )
    .action(async ({ watch }: { readonly watch?: true }, command: Command) => {
      const globals = globalsOf(command);
      const { withHub } = await import("../session.ts");
      await withHub(shell, globals, async ({ ask }) => {
        const draw = async (): Promise<string> => {
          const answer = await ask("status", {});
          return renderOne(shell, globals.output, answer, (look) => drawStatus(answer, look));
        };
        if (watch) await redraw(shell, globals, REFRESH_MS, draw);
        else shell.out(await draw());
      });
    });
}

/** The hub in a line, then clusters, then pairs. */
export function drawStatus({ hub, clusters, pairs }: StatusAnswer, look: Look): string {
  const state = hub.connected ? look.paint("connected", "good") : look.paint("not connected", "bad");
  const lines = [`hub   ${state} since ${since(hub.since, look.now)}\n`];
  lines.push(
    clusters.length === 0 ? "\nno cluster has joined yet\n" : `\n${renderTable(clusterColumns, clusters, look)}`,
  );
  if (pairs.length > 0) lines.push(`\n${renderTable(pairColumns, pairs, look)}`);
  else if (clusters.length > 1)
    lines.push("\nno two clusters are linked; `trestle link create NAME --members a,b` links them\n");
  return lines.join("");
}
