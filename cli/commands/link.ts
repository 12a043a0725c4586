import type { Command } from "commander";
import { Option } from "commander";
import { vxlanRefusal } from "../../mesh/behind-nat.ts";
import { pairsOf, unknownClusters } from "../../mesh/links.ts";
import { readName } from "../../mesh/names.ts";
import { accepted, MeshError } from "../../platform/errors.ts";
import { collect, noun, verb } from "../command.ts";
import { globalsOf } from "../globals.ts";
import { linkColumns, describeLink } from "../kinds/link.ts";
import { readLinkWords, WordsDisagree } from "../link-selection.ts";
import type { LinkWords } from "../link-selection.ts";
import { renderOne } from "../output.ts";
import { note } from "../shell.ts";
import type { Shell } from "../shell.ts";
import { changeLink } from "./link-change.ts";
import { IN_CLEAR, TUNNELS, readMTU } from "./link-options.ts";
import type { TunnelWord } from "./link-options.ts";

/** `trestle link …`: who may talk to whom. */
export function linkCommand(shell: Shell): Command {
  return noun("link")
    .addCommand(create(shell))
    .addCommand(changeLink(shell))
    .addCommand(list(shell))
    .addCommand(show(shell))
    .addCommand(remove(shell));
}

interface CreateOptions extends LinkWords {
  readonly tunnel: TunnelWord;
  readonly mtu?: number;
}

function create(shell: Shell): Command {
  return verb(
    "create",
    "Link clusters: their pods reach each other by IP as soon as the gateways have heard of it. Two links over one pair are refused.",
    [
      "trestle link create all --members east,west,edge         every one with every other",
      "trestle link create prod --selector tier=prod            all that carry the label, also later ones",
      "trestle link create spokes --from core --to east,west    core with each, east and west not",
      "trestle link create lab --members a,b --tunnel vxlan     in clear, and not through NAT",
    ],
  )
    .argument("<name>", "name of the link")
    .option("--members <cluster,…>", "full mesh among these clusters; repeatable", collect)
    .option("--selector <key=value,…>", "full mesh among the clusters that carry all these labels", collect)
    .option("--from <cluster|key=value,…>", "hub and spoke: each of these…", collect)
    .option("--to <cluster|key=value,…>", "…with each of these", collect)
    .addOption(
      new Option("--tunnel <kind>", "how packets travel; vxlan is not encrypted and does not pass NAT")
        .choices(Object.keys(TUNNELS))
        .default("wireguard"),
    )
    .option("--mtu <bytes>", "path MTU between the sites, where it is known to be smaller than the LANs'", readMTU)
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const globals = globalsOf(command);
      const draft = {
        metadata: { name: accepted(readName(name)) },
        spec: {
          ...selectionOf(options, command),
          tunnel: TUNNELS[options.tunnel],
          ...(options.mtu !== undefined && { mtu: options.mtu }),
        },
      };
      const { withHub } = await import("../session.ts");
      const { clusterKind } = await import("../../crds/cluster.ts");
      const { clusterLinkKind } = await import("../../crds/cluster-link.ts");
      const { notFound } = await import("../show.ts");
      const made = await withHub(shell, globals, async ({ store }) => {
        const open = await store();
        const clusters = await open.list(clusterKind);
        const [unknown] = unknownClusters(draft, clusters);
        if (unknown !== undefined)
          throw notFound(
            clusterKind,
            unknown,
            clusters.map(({ metadata }) => metadata.name),
          );
        const refusal = vxlanRefusal(draft, clusters);
        if (refusal !== undefined) throw new MeshError(refusal.code, refusal.message, { retry: false });
        const link = await open.create(clusterLinkKind, draft);
        if (pairsOf(draft, clusters).length === 0)
          note(shell, "warning: this selects no two clusters yet; the link takes effect when there are some");
        return link;
      });
      if (options.tunnel === "vxlan") note(shell, IN_CLEAR);
      shell.out(renderOne(shell, globals.output, made, () => `clusterlink/${name} created\n`));
    });
}

function selectionOf(options: LinkWords, command: Command): ReturnType<typeof readLinkWords> {
  try {
    return readLinkWords(options);
  } catch (error) {
    if (error instanceof WordsDisagree) return command.error(`error: ${error.message}`);
    throw error;
  }
}

function list(shell: Shell): Command {
  return verb("list", "List links and how many of their pairs are up.", [
    "trestle link list",
    "trestle link list --watch",
  ])
    .option("-w, --watch", "keep showing them as they change")
    .action(async ({ watch }: { readonly watch?: true }, command: Command) => {
      const { listHubKind } = await import("../list.ts");
      const { clusterLinkKind } = await import("../../crds/cluster-link.ts");
      const empty = "There are no links; `trestle link create NAME --members a,b` makes one.";
      const listed = { kind: clusterLinkKind, columns: linkColumns };
      await listHubKind(shell, globalsOf(command), listed, { watch: watch === true, empty });
    });
}

function show(shell: Shell): Command {
  return verb("show", "Show one link, its worst pairs and its conditions.", ["trestle link show all"])
    .argument("<name>", "link of `trestle link list`")
    .action(async (name: string, _, command: Command) => {
      const { showHubObject } = await import("../show.ts");
      const { clusterLinkKind } = await import("../../crds/cluster-link.ts");
      await showHubObject(shell, globalsOf(command), clusterLinkKind, name, describeLink);
    });
}

function remove(shell: Shell): Command {
  return verb("delete", "Delete a link: traffic between its clusters is stopped, not sent in clear.", [
    "trestle link delete all",
  ])
    .argument("<name>", "link of `trestle link list`")
    .action(async (name: string, _, command: Command) => {
      const { deleteObject } = await import("../delete.ts");
      await deleteObject(shell, globalsOf(command), "clusterlinks", name);
    });
}
