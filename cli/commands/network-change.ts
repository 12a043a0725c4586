import type { Command } from "commander";
import { networkRefusals } from "../../mesh/ipam/checks.ts";
import type { NodeSelector } from "../../mesh/ipam/resources.ts";
import { collectSelectorOrNone, verb } from "../command.ts";
import { inTypedWords, refuseFaults } from "../faults.ts";
import { globalsOf } from "../globals.ts";
import { renderOne } from "../output.ts";
import type { Shell } from "../shell.ts";

/** `trestle network set-default`: whose addresses pods get that choose none. */
export function setDefault(shell: Shell): Command {
  return verb("set-default", "Make a Network the one of pods that choose none. Pods that run keep their addresses.", [
    "trestle network set-default lan --lab=east",
  ])
    .argument("<name>", "Network of `trestle network list`")
    .action(async (name: string, _, command: Command) => {
      const { makeDefault } = await import("../ipam/default-network.ts");
      const { withOwnStore } = await import("../session.ts");
      const globals = globalsOf(command);
      const made = await withOwnStore(shell, globals, (store) => makeDefault(store, name));
      shell.out(renderOne(shell, globals.output, made, () => `network/${name} is the default\n`));
    });
}

/** `trestle network update`: for which machines a Network is. */
export function updateNetwork(shell: Shell): Command {
  return verb("update", "Change which machines an underlay is for. Its type stays.", [
    "trestle network update berlin --node-selector site=berlin,rack=1 --lab=east",
    "trestle network update lan --node-selector none --lab=east      all nodes",
  ])
    .argument("<name>", "Network of `trestle network list`")
    .requiredOption("--node-selector <key=value,…|none>", "their labels, all of them", collectSelectorOrNone)
    .action(async (name: string, { nodeSelector }: { readonly nodeSelector: NodeSelector }, command: Command) => {
      const { networkKind } = await import("../../crds/network.ts");
      const { retryOnConflict } = await import("../../platform/store/amend.ts");
      const { withOwnStore } = await import("../session.ts");
      const { objectNamed } = await import("../show.ts");
      const globals = globalsOf(command);
      const changed = await withOwnStore(shell, globals, (store) =>
        retryOnConflict(async () => {
          const present = await objectNamed(store, networkKind, name);
          const spec = { ...present.spec, nodeSelector };
          refuseFaults(networkRefusals(name, spec).map(inTypedWords));
          return store.update(networkKind, { ...present, spec });
        }),
      );
      shell.out(renderOne(shell, globals.output, changed, () => `network/${name} updated\n`));
    });
}
