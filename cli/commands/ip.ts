import type { Command } from "commander";
import { noun, verb } from "../command.ts";
import { refuseFaults } from "../faults.ts";
import { globalsOf } from "../globals.ts";
import { describeIP, ipInstanceName } from "../kinds/ip-instance.ts";
import { renderOne } from "../output.ts";
import { readReservation } from "../ipam/reservation-words.ts";
import type { Shell } from "../shell.ts";
import { deleteOwn, listOwn, STORE } from "./member-verbs.ts";

/** `trestle ip …`: addresses in use, and those kept for pods to come. */
export function ipCommand(shell: Shell): Command {
  return noun("ip").addCommand(create(shell)).addCommand(list(shell)).addCommand(show(shell)).addCommand(remove(shell));
}

interface CreateOptions {
  readonly subnet: string;
  readonly pod: string;
}

function create(shell: Shell): Command {
  return verb(
    "create",
    "Keep an address for a pod to come: it gets this one whenever it starts, and nobody else does. Of an overlay it has to be reserved in its Subnet.",
    [
      "trestle ip create 192.168.1.140 --subnet lan --pod shop/db --lab=east",
      "trestle subnet update pods --reserve 10.64.200.5 --lab=east && trestle ip create 10.64.200.5 --subnet pods --pod shop/db --lab=east",
    ],
  )
    .argument("<address>", "which one")
    .requiredOption("--subnet <name>", "Subnet of `trestle subnet list`")
    .requiredOption("--pod <namespace/name>", "the pod; it need not exist yet")
    .action(async (address: string, { subnet, pod }: CreateOptions, command: Command) => {
      const globals = globalsOf(command);
      const { wanted, faults } = readReservation(address, pod);
      refuseFaults(faults);
      const { withOwnStore } = await import("../session.ts");
      const { reserve } = await import("../ipam/reserve.ts");
      const made = await withOwnStore(shell, globals, (store) => reserve(store, subnet, wanted, shell));
      shell.out(renderOne(shell, globals.output, made, () => `ipinstance/${made.metadata.name} created\n`));
    });
}

function list(shell: Shell): Command {
  return listOwn(shell, "ipinstances", {
    description:
      "List addresses that pods have or that are kept for them. GATEWAY is the router of the LAN; where the Subnet has none, the node, by the address that all pods know it by.",
    examples: ["trestle ip list --lab=east", `trestle ip list --output wide --watch ${STORE}`],
    empty: "No pod has an address yet.",
  });
}

function show(shell: Shell): Command {
  return verb("show", "Show one address: who has it, where, and whether it outlives the pod.", [
    "trestle ip show 10.64.2.2 --lab=east",
  ])
    .argument("<address>", "address of `trestle ip list`, or its object's name")
    .action(async (word: string, _, command: Command) => {
      const { showOwnObject } = await import("../show.ts");
      const { ipInstanceKind } = await import("../../crds/ip-instance.ts");
      const { subnetKind } = await import("../../crds/subnet.ts");
      const wanted = { kind: ipInstanceKind, name: ipInstanceName(word) };
      await showOwnObject(shell, globalsOf(command), wanted, async (instance, peers) => {
        const subnet = await peers.get(subnetKind, instance.spec.subnet);
        return (look) => describeIP(instance, subnet, look);
      });
    });
}

function remove(shell: Shell): Command {
  return deleteOwn(shell, "ipinstances", {
    description: "Release an address that is kept for a pod. Refused while a pod runs with it.",
    examples: ["trestle ip delete 192.168.1.140 --lab=east", "trestle ip delete 192-168-1-140 --lab=east"],
    argument: ["<address>", "address of `trestle ip list`, or its object's name"],
  });
}
