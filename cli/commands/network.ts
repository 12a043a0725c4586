import type { Command } from "commander";
import { Option } from "commander";
import { DEFAULT_NETWORK } from "../../mesh/ipam/network-choice.ts";
import { networkRefusals } from "../../mesh/ipam/checks.ts";
import type { NetworkType, NodeSelector } from "../../mesh/ipam/resources.ts";
import { collectSelector, noun, verb } from "../command.ts";
import { inTypedWords, refuseFaults } from "../faults.ts";
import { globalsOf } from "../globals.ts";
import { describeNetwork } from "../kinds/network.ts";
import { renderOne } from "../output.ts";
import type { Shell } from "../shell.ts";
import { deleteOwn, listOwn, STORE } from "./member-verbs.ts";
import { setDefault, updateNetwork } from "./network-change.ts";

/** `trestle network …`: where a cluster's pods may have their addresses from. */
export function networkCommand(shell: Shell): Command {
  return noun("network")
    .addCommand(create(shell))
    .addCommand(setDefault(shell))
    .addCommand(updateNetwork(shell))
    .addCommand(list(shell))
    .addCommand(show(shell))
    .addCommand(remove(shell));
}

interface CreateOptions {
  readonly type: NetworkType;
  readonly nodeSelector?: NodeSelector;
  readonly default?: true;
}

function create(shell: Shell): Command {
  return verb(
    "create",
    "Create a Network. An overlay issues from the cluster's pod CIDRs, on every node; an underlay from the LAN of the machines that it selects. Its addresses come with Subnets.",
    [
      "trestle network create lan --type Underlay --lab=east",
      `trestle network create berlin --type Underlay --node-selector site=berlin ${STORE}`,
      "trestle network create lan --type Underlay --default --lab=east      of pods that choose none",
    ],
  )
    .argument("<name>", "name of the Network")
    .addOption(
      new Option("--type <type>", "where its addresses come from")
        .choices(["Overlay", "Underlay"])
        .makeOptionMandatory(),
    )
    .option("--node-selector <key=value,…>", "underlay: the machines of its LAN, by their labels", collectSelector)
    .option("--default", "make it the Network of pods that choose none")
    .action(async (name: string, options: CreateOptions, command: Command) => {
      const globals = globalsOf(command);
      const spec = { type: options.type, nodeSelector: options.nodeSelector ?? {} };
      refuseFaults(networkRefusals(name, spec).map(inTypedWords));
      const { withOwnStore } = await import("../session.ts");
      const { networkKind } = await import("../../crds/network.ts");
      const { unmarkOthers } = await import("../ipam/default-network.ts");
      const made = await withOwnStore(shell, globals, async (store) => {
        const annotations: Record<string, string> = options.default ? { [DEFAULT_NETWORK]: "true" } : {};
        const network = await store.create(networkKind, { metadata: { name, annotations }, spec });
        if (options.default) await unmarkOthers(store, name);
        return network;
      });
      shell.out(renderOne(shell, globals.output, made, () => `network/${name} created\n`));
    });
}

function list(shell: Shell): Command {
  return listOwn(shell, "networks", {
    description: "List Networks and how many addresses they have: of both families as IPv4/IPv6.",
    examples: ["trestle network list --lab=east", `trestle network list --output wide ${STORE}`],
    empty: "There are no Networks yet; a cluster that has joined gets its overlay by itself.",
  });
}

function show(shell: Shell): Command {
  return verb("show", "Show one Network, its Subnets and its conditions.", ["trestle network show overlay --lab=east"])
    .argument("<name>", "Network of `trestle network list`")
    .action(async (name: string, _, command: Command) => {
      const { showOwnObject } = await import("../show.ts");
      const { networkKind } = await import("../../crds/network.ts");
      const { subnetKind } = await import("../../crds/subnet.ts");
      const wanted = { kind: networkKind, name };
      await showOwnObject(shell, globalsOf(command), wanted, async (network, peers) => {
        const subnets = await peers.list(subnetKind);
        return (look) => describeNetwork(network, subnets, look);
      });
    });
}

function remove(shell: Shell): Command {
  return deleteOwn(shell, "networks", {
    description: "Delete a Network. Refused while Subnets are of it.",
    examples: ["trestle network delete lan --lab=east"],
    argument: ["<name>", "Network of `trestle network list`"],
  });
}
