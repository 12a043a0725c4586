import type { Command } from "commander";
import { Option } from "commander";
import { bitsOf, formatCidr } from "../../mesh/cidr.ts";
import type { Cidr } from "../../mesh/cidr.ts";
import { readName } from "../../mesh/names.ts";
import { readCidr } from "../../mesh/typed-cidr.ts";
import { accepted } from "../../platform/errors.ts";
import { noun, readBits, verb } from "../command.ts";
import { globalsOf } from "../globals.ts";
import { poolColumns, describePool } from "../kinds/pool.ts";
import { renderOne } from "../output.ts";
import type { Shell } from "../shell.ts";

/** `trestle pool …`: the ranges the hub cuts clusters' blocks from. */
export function poolCommand(shell: Shell): Command {
  return noun("pool")
    .addCommand(create(shell))
    .addCommand(list(shell))
    .addCommand(show(shell))
    .addCommand(remove(shell));
}

interface CreateOptions {
  readonly cidr: string;
  readonly clusterPrefixLength?: number;
  readonly purpose: "pods" | "mesh";
}

function create(shell: Shell): Command {
  return verb(
    "create",
    "Create a pool. A cluster that declares no pod CIDR gets one block from the first pool by name that has room.",
    [
      "trestle pool create pods --cidr 10.64.0.0/12 --cluster-prefix-length 16",
      "trestle pool create pods6 --cidr fd00:64::/32 --cluster-prefix-length 48",
      "trestle pool create mesh --cidr 10.255.0.0/16 --purpose mesh      health and node addresses",
    ],
  )
    .argument("<name>", "name of the pool")
    .requiredOption("--cidr <cidr>", "the range; no other pool or cluster may overlap it")
    .option(
      "--cluster-prefix-length <bits>",
      "length of a cluster's block (default: 8 bits more than the pool's, at most /26 or /122)",
      readBits,
    )
    .addOption(new Option("--purpose <use>", "what its blocks are for").choices(["pods", "mesh"]).default("pods"))
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const globals = globalsOf(command);
      const cidr = accepted(readCidr(options.cidr));
      const draft = {
        metadata: { name: accepted(readName(name)) },
        spec: {
          cidr: formatCidr(cidr),
          clusterPrefixLength: options.clusterPrefixLength ?? usualLength(cidr),
          purpose: options.purpose === "mesh" ? ("Mesh" as const) : ("Pods" as const),
        },
      };
      const { withHub } = await import("../session.ts");
      const { cidrPoolKind } = await import("../../crds/cidr-pool.ts");
      const made = await withHub(shell, globals, async ({ store }) => (await store()).create(cidrPoolKind, draft));
      shell.out(renderOne(shell, globals.output, made, () => `cidrpool/${name} created\n`));
    });
}

/** A longer block would not hold a cluster: /26 and /122 are the smallest (64 addresses). */
function usualLength({ family, length }: Cidr): number {
  return Math.max(length, Math.min(length + 8, bitsOf(family) - 6));
}

function list(shell: Shell): Command {
  return verb("list", "List pools, and how much of each is given out.", [
    "trestle pool list",
    "trestle pool list --output json",
  ])
    .option("-w, --watch", "keep showing them as they change")
    .action(async ({ watch }: { readonly watch?: true }, command: Command) => {
      const { listHubKind } = await import("../list.ts");
      const { cidrPoolKind } = await import("../../crds/cidr-pool.ts");
      const empty = "There are no pools; `trestle pool create NAME --cidr CIDR` makes one.";
      const listed = { kind: cidrPoolKind, columns: poolColumns };
      await listHubKind(shell, globalsOf(command), listed, { watch: watch === true, empty });
    });
}

function show(shell: Shell): Command {
  return verb("show", "Show one pool.", ["trestle pool show pods"])
    .argument("<name>", "pool of `trestle pool list`")
    .action(async (name: string, _, command: Command) => {
      const { showHubObject } = await import("../show.ts");
      const { cidrPoolKind } = await import("../../crds/cidr-pool.ts");
      await showHubObject(shell, globalsOf(command), cidrPoolKind, name, describePool);
    });
}

function remove(shell: Shell): Command {
  return verb("delete", "Delete a pool. Refused while clusters own blocks of it.", ["trestle pool delete pods6"])
    .argument("<name>", "pool of `trestle pool list`")
    .action(async (name: string, _, command: Command) => {
      const { deleteObject } = await import("../delete.ts");
      await deleteObject(shell, globalsOf(command), "cidrpools", name);
    });
}
