import { Command } from "commander";
import { examplesText } from "../command.ts";
import { globalsOf } from "../globals.ts";
import type { Shell } from "../shell.ts";

/** `trestle delete KIND NAME`: what `trestle NOUN delete` does, for any kind. */
export function deleteCommand(shell: Shell): Command {
  return new Command("delete")
    .description("Delete one resource of the hub or (--store, --lab=CLUSTER) of a cluster's own store.")
    .argument("<kind>", "as in `trestle get`")
    .argument("<name>", "which one")
    .addHelpText(
      "after",
      examplesText([
        "trestle delete link all",
        "trestle delete gateway rank-1 --store /var/lib/trestle/store/store.yaml",
      ]),
    )
    .action(async (kind: string, name: string, _, command: Command) => {
      const { deleteObject } = await import("../delete.ts");
      await deleteObject(shell, globalsOf(command), kind, name);
    });
}
