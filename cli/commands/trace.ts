import { Command } from "commander";
import type { TraceAnswer } from "../../crds/wire/hub-api.ts";
import { readName } from "../../mesh/names.ts";
import { readAddress } from "../../mesh/typed-cidr.ts";
import { accepted } from "../../platform/errors.ts";
import { examplesText } from "../command.ts";
import { EXIT, Verdict } from "../exit.ts";
import { globalsOf } from "../globals.ts";
import { renderOne } from "../output.ts";
import type { Look } from "../output.ts";
import type { Shell } from "../shell.ts";

/** `trestle trace A B`: why a packet gets there, or what stops it. */
export function traceCommand(shell: Shell): Command {
  return new Command("trace")
    .description("Follow a packet from A to B, hop by hop, to what stops it. Exit code 1 when it does not get there.")
    .argument("<from>", "IP address of a pod or machine, or the name of a cluster")
    .argument("<to>", "the same")
    .addHelpText(
      "after",
      examplesText([
        "trestle trace 10.64.0.5 10.65.0.9      pod to pod",
        "trestle trace east west                cluster to cluster",
      ]),
    )
    .action(async (from: string, to: string, _, command: Command) => {
      const globals = globalsOf(command);
      const ends = { from: readEnd(from), to: readEnd(to) };
      const { withHub } = await import("../session.ts");
      const answer = await withHub(shell, globals, ({ ask }) => ask("trace", ends));
      shell.out(renderOne(shell, globals.output, answer, (look) => drawTrace(ends, answer, look)));
      if (!answer.reachable) throw new Verdict(EXIT.failed);
    });
}

/** An address in canonical text, or a cluster's name: no name holds a dot or a colon. */
function readEnd(word: string): string {
  return /[.:/]/.test(word) ? accepted(readAddress(word)) : accepted(readName(word));
}

/** A line a hop, the remedy below the one that fails, the verdict last. */
export function drawTrace(
  ends: { from: string; to: string },
  { reachable, hops }: TraceAnswer,
  { paint }: Look,
): string {
  const width = Math.max(0, ...hops.map(({ check }) => check.length));
  const lines = hops.flatMap(({ check, ok, detail, remedy }) => [
    `${ok ? paint("✓", "good") : paint("✗", "bad")} ${check.padEnd(width)}   ${detail}`,
    ...(remedy === undefined ? [] : [`${" ".repeat(width + 5)}→ ${remedy}`]),
  ]);
  const verdict = reachable ? paint("reaches", "good") : paint("does not reach", "bad");
  return [...lines, "", `${ends.from} ${verdict} ${ends.to}`, ""].join("\n");
}
