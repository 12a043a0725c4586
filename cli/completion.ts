import tab from "@bomb.sh/tab/commander";
import type { Command } from "commander";
import { knownKinds } from "./kinds/registry.ts";

/**
 * Adds `completion <shell>`, which prints a script for that shell, and the hidden `complete`, which the script asks at
 * each Tab. The tree must be whole and settled: what is completed is read from it.
 */
export function addCompletion(program: Command): void {
  const completion = tab(program, { completionCommandName: "completion" });
  for (const name of ["get", "delete"]) {
    const kind = completion.commands.get(name)?.arguments.get("kind");
    if (kind === undefined) continue;
    kind.handler = (complete) => {
      for (const known of knownKinds)
        complete(known.kind.plural, known.place === "hub" ? "of the hub" : "of a cluster's own store");
    };
  }
}
