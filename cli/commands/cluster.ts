import type { Command } from "commander";
import { noun, verb } from "../command.ts";
import { globalsOf } from "../globals.ts";
import { clusterColumns, describeCluster } from "../kinds/cluster.ts";
import type { Shell } from "../shell.ts";

/** `trestle cluster …`: the members of the mesh. They come by `trestle join`. */
export function clusterCommand(shell: Shell): Command {
  return noun("cluster").addCommand(list(shell)).addCommand(show(shell)).addCommand(remove(shell));
}

function list(shell: Shell): Command {
  return verb(
    "list",
    "List the clusters that joined. APPLIED behind DESIRED (--output wide): it has not acted on the hub's last word yet.",
    ["trestle cluster list", "trestle cluster list --output wide --watch"],
  )
    .option("-w, --watch", "keep showing them as they change")
    .action(async ({ watch }: { readonly watch?: true }, command: Command) => {
      const { listHubKind } = await import("../list.ts");
      const { clusterKind } = await import("../../crds/cluster.ts");
      const empty = "No cluster has joined yet; `trestle token create CLUSTER` makes the token for one.";
      const listed = { kind: clusterKind, columns: clusterColumns };
      await listHubKind(shell, globalsOf(command), listed, { watch: watch === true, empty });
    });
}

function show(shell: Shell): Command {
  return verb("show", "Show one cluster: its prefixes, gateways and conditions.", ["trestle cluster show east"])
    .argument("<name>", "cluster of `trestle cluster list`")
    .action(async (name: string, _, command: Command) => {
      const { showHubObject } = await import("../show.ts");
      const { clusterKind } = await import("../../crds/cluster.ts");
      await showHubObject(shell, globalsOf(command), clusterKind, name, describeCluster);
    });
}

function remove(shell: Shell): Command {
  return verb(
    "delete",
    "Take a cluster out of the mesh: its credential is revoked, its number and prefixes are free again.",
    [
      "trestle cluster delete east               refused while a link names it",
      "trestle cluster delete east --force       cuts it off from its peers too",
    ],
  )
    .argument("<name>", "cluster of `trestle cluster list`")
    .option("--force", "also while it is linked", false)
    .action(async (name: string, { force }: { readonly force: boolean }, command: Command) => {
      const { deleteObject } = await import("../delete.ts");
      await deleteObject(shell, globalsOf(command), "clusters", name, { force });
    });
}
