import type { Command } from "commander";
import { Option } from "commander";
import { collect, collectSelector, noun, readBits, verb } from "../command.ts";
import { refuseFaults } from "../faults.ts";
import { globalsOf } from "../globals.ts";
import { describeSubnet } from "../kinds/subnet.ts";
import { renderOne } from "../output.ts";
import type { Shell } from "../shell.ts";
import { readSubnet } from "../ipam/subnet-words.ts";
import type { SubnetWords } from "../ipam/subnet-words.ts";
import { deleteOwn, listOwn, STORE } from "./member-verbs.ts";
import { ableSubnet, updateSubnet } from "./subnet-change.ts";

/** `trestle subnet …`: ranges of a cluster's Networks. */
export function subnetCommand(shell: Shell): Command {
  return noun("subnet")
    .addCommand(create(shell))
    .addCommand(updateSubnet(shell))
    .addCommand(ableSubnet(shell, "disable"))
    .addCommand(ableSubnet(shell, "enable"))
    .addCommand(list(shell))
    .addCommand(show(shell))
    .addCommand(remove(shell));
}

type CreateOptions = Omit<SubnetWords, "masquerade"> & { readonly masquerade?: "true" | "false" };

function create(shell: Shell): Command {
  return verb(
    "create",
    "Create a Subnet of a Network: of an overlay inside the cluster's pod CIDRs, of an underlay a range of the LAN that no machine and no DHCP server uses.",
    [
      "trestle subnet create lan --network lan --cidr 192.168.1.0/24 --range 192.168.1.128-192.168.1.191 --gateway 192.168.1.1 --lab=east",
      "trestle subnet create db --network overlay --cidr 10.64.8.0/24 --private --reserve 10.64.8.5-10.64.8.9 --lab=east",
      `trestle subnet create rack1 --network lan --cidr 192.168.7.0/24 --range 192.168.7.16-192.168.7.63 --exclude 192.168.7.20,192.168.7.30-192.168.7.39 --node-selector rack=1 ${STORE}`,
    ],
  )
    .argument("<name>", "name of the Subnet")
    .requiredOption("--network <name>", "Network of `trestle network list`")
    .requiredOption(
      "--cidr <cidr>",
      "overlaps no other Subnet; may be that of another of its Network with another range",
    )
    .option("--range <first-last>", "what of it is issued, at most 65,536 addresses (default: all of it)")
    .option("--gateway <address>", "router of the LAN, never issued; an overlay needs none")
    .option("--check-gateway", "underlay: give a pod an address only while the gateway answers on the LAN")
    .option("--exclude <address|first-last,…>", "never issued; repeatable", collect)
    .option("--reserve <address|first-last,…>", "issued to who asks for them by name only; repeatable", collect)
    .option("--block-size <bits>", "overlay: prefix length of the blocks that nodes claim, e.g. 24", readBits)
    .option("--private", "only for pods that name it")
    .option("--disabled", "nothing is issued from it yet")
    .option(
      "--node-selector <key=value,…>",
      "for pods on nodes with these labels, before Subnets for any",
      collectSelector,
    )
    .addOption(
      new Option("--masquerade <yes>", "whether packets that leave the mesh have their node's address").choices([
        "true",
        "false",
      ]),
    )
    .action(async (name: string, { masquerade, ...options }: CreateOptions, command: Command) => {
      const globals = globalsOf(command);
      const words = { ...options, ...(masquerade !== undefined && { masquerade: masquerade === "true" }) };
      const { spec, faults } = readSubnet(name, words);
      refuseFaults(faults);
      const { withOwnStore } = await import("../session.ts");
      const { subnetKind } = await import("../../crds/subnet.ts");
      const draft = { metadata: { name }, spec };
      const made = await withOwnStore(shell, globals, (store) => store.create(subnetKind, draft));
      shell.out(renderOne(shell, globals.output, made, () => `subnet/${name} created\n`));
    });
}

function list(shell: Shell): Command {
  return listOwn(shell, "subnets", {
    description: "List Subnets and how many addresses they have. START and END are what may be issued.",
    examples: ["trestle subnet list --lab=east", `trestle subnet list --output wide --watch ${STORE}`],
    empty: "There are no Subnets yet; `trestle subnet create NAME --network NETWORK --cidr CIDR` makes one.",
  });
}

function show(shell: Shell): Command {
  return verb("show", "Show one Subnet and its conditions.", ["trestle subnet show lan --lab=east"])
    .argument("<name>", "Subnet of `trestle subnet list`")
    .action(async (name: string, _, command: Command) => {
      const { showOwnObject } = await import("../show.ts");
      const { networkKind } = await import("../../crds/network.ts");
      const { subnetKind } = await import("../../crds/subnet.ts");
      const wanted = { kind: subnetKind, name };
      await showOwnObject(shell, globalsOf(command), wanted, async (subnet, peers) => {
        const network = await peers.get(networkKind, subnet.spec.network);
        return (look) => describeSubnet(subnet, network, look);
      });
    });
}

function remove(shell: Shell): Command {
  return deleteOwn(shell, "subnets", {
    description: "Delete a Subnet. Refused while addresses of it are in use or kept: disable it until they are gone.",
    examples: ["trestle subnet delete lan --lab=east"],
    argument: ["<name>", "Subnet of `trestle subnet list`"],
  });
}
