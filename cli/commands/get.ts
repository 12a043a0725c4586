import { Command } from "commander";
import { examplesText } from "../command.ts";
import { globalsOf } from "../globals.ts";
import { renderOne } from "../output.ts";
import type { Shell } from "../shell.ts";
import { renderTable } from "../table.ts";

/** `trestle get KIND [NAME]`: anything a store holds, but for secrets. */
export function getCommand(shell: Shell): Command {
  return new Command("get")
    .description(
      "List the resources of a kind, or get one, from the hub or (--store, --lab=CLUSTER) a cluster's own store.",
    )
    .argument(
      "<kind>",
      "of a hub: pools, clusters, links, tokens; of a cluster: memberships, gateways, remoteclusters, nodes, networks, subnets, ips, blocks",
    )
    .argument("[name]", "one of them; all unless given")
    .option("-w, --watch", "keep showing them as they change")
    .addHelpText(
      "after",
      examplesText([
        "trestle get clusters",
        "trestle get pool pods --output yaml",
        "trestle get remoteclusters --store /var/lib/trestle/store/store.yaml --watch",
      ]),
    )
    .action(async (word: string, name: string | undefined, { watch }: { readonly watch?: true }, command: Command) => {
      const globals = globalsOf(command);
      if (name !== undefined && watch) command.error("error: --watch shows all of a kind; leave the name away");
      const { withStore } = await import("../session.ts");
      const { kindNamed } = await import("../kinds/registry.ts");
      const { list } = await import("../list.ts");
      const { columnsFrom } = await import("../kinds/columns.ts");
      const { objectNamed } = await import("../show.ts");
      const known = kindNamed(globals.store === undefined ? "hub" : "member", word);
      await withStore(shell, globals, async (session) => {
        const store = await session.store();
        if (name === undefined) {
          await list(shell, globals, store, known, {
            watch: watch === true,
            empty: `There are no ${known.kind.plural}.`,
          });
          return;
        }
        const object = await objectNamed(store, known.kind, known.nameOf?.(name) ?? name);
        const columns = await columnsFrom(known.columns, store);
        shell.out(renderOne(shell, globals.output, object, (look) => renderTable(columns, [object], look)));
      });
    });
}
