import type { Command } from "commander";
import { InvalidArgumentError, Option } from "commander";
import type { Subnet } from "../../mesh/ipam/resources.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { collect, collectSelectorOrNone, verb } from "../command.ts";
import { refuseFaults } from "../faults.ts";
import { globalsOf } from "../globals.ts";
import { renderOne } from "../output.ts";
import type { Shell } from "../shell.ts";
import { changeSubnet } from "../ipam/subnet-words.ts";
import type { SubnetChange } from "../ipam/subnet-words.ts";

/** What `update` takes; the options of every command come with them. */
const UPDATED = ["exclude", "reserve", "private", "nodeSelector", "masquerade", "checkGateway"] as const;

/** `trestle subnet update`: all that may be changed of a Subnet. */
export function updateSubnet(shell: Shell): Command {
  return verb(
    "update",
    "Change a Subnet. Each list is given whole and takes the place of the one before; what is not mentioned stays. Network, CIDR, range, gateway and block size stay for good.",
    [
      "trestle subnet update lan --exclude 192.168.1.130,192.168.1.140-192.168.1.149 --lab=east",
      "trestle subnet update lan --exclude none --private true --lab=east",
    ],
  )
    .argument("<name>", "Subnet of `trestle subnet list`")
    .option("--exclude <address|first-last,…|none>", "never issued; refused for an address in use", collectOrNone)
    .option("--reserve <address|first-last,…|none>", "issued to who asks for them by name only", collectOrNone)
    .addOption(trueOrFalse("--private <yes>", "only for pods that name it"))
    .addOption(trueOrFalse("--check-gateway <yes>", "underlay: addresses only while the gateway answers on the LAN"))
    .option("--node-selector <key=value,…|none>", "for pods on nodes with these labels", collectSelectorOrNone)
    .addOption(
      new Option("--masquerade <yes>", "whether packets that leave the mesh have their node's address")
        .choices(["true", "false", "usual"])
        .argParser((word) => (word === "usual" ? word : readTrueOrFalse(word, "true, false or usual"))),
    )
    .action(async (name: string, change: SubnetChange, command: Command) => {
      if (UPDATED.every((field) => change[field] === undefined)) {
        command.error("error: say what to change, such as --exclude or --private; the help lists all that may be");
      }
      await writeAs(shell, command, name, change, "updated");
    });
}

/** `trestle subnet disable` and `enable`: whether anything is issued from it. */
export function ableSubnet(shell: Shell, word: "disable" | "enable"): Command {
  const description =
    word === "disable"
      ? "Issue nothing from a Subnet any more. Pods that run keep their addresses; what they release stays free."
      : "Issue from a Subnet again.";
  return verb(word, description, [`trestle subnet ${word} lan --lab=east`])
    .argument("<name>", "Subnet of `trestle subnet list`")
    .action(async (name: string, _, command: Command) => {
      await writeAs(shell, command, name, { disabled: word === "disable" }, `${word}d`);
    });
}

async function writeAs(
  shell: Shell,
  command: Command,
  name: string,
  change: SubnetChange,
  done: string,
): Promise<void> {
  const { withOwnStore } = await import("../session.ts");
  const globals = globalsOf(command);
  const changed = await withOwnStore(shell, globals, (store) => writeChange(store, name, change));
  shell.out(renderOne(shell, globals.output, changed, () => `subnet/${name} ${done}\n`));
}

/**
 * Changes a Subnet, whose status is counted anew at any moment.
 * @throws MeshError `not-found`, and what the rules refuse it with
 */
async function writeChange(store: ResourceStore, name: string, change: SubnetChange): Promise<Subnet> {
  const { subnetKind } = await import("../../crds/subnet.ts");
  const { retryOnConflict } = await import("../../platform/store/amend.ts");
  const { objectNamed } = await import("../show.ts");
  return retryOnConflict(async () => {
    const present = await objectNamed(store, subnetKind, name);
    const { spec, faults } = changeSubnet(name, present.spec, change);
    refuseFaults(faults);
    return store.update(subnetKind, { ...present, spec });
  });
}

function collectOrNone(text: string, before: readonly string[] | undefined): string[] {
  return text === "none" ? [] : collect(text, before);
}

function trueOrFalse(flags: string, description: string): Option {
  return new Option(flags, description).choices(["true", "false"]).argParser((word) => readTrueOrFalse(word));
}

function readTrueOrFalse(word: string, allowed = "true or false"): boolean {
  if (word !== "true" && word !== "false") throw new InvalidArgumentError(`It is ${allowed}.`);
  return word === "true";
}
