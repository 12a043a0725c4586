import type { Command } from "commander";
import { noun, verb } from "../command.ts";
import { globalsOf } from "../globals.ts";
import { describeBlock, ipBlockName } from "../kinds/ip-block.ts";
import type { Shell } from "../shell.ts";
import { listOwn, STORE } from "./member-verbs.ts";

/** `trestle block …`: which node may issue from which range, and where the range is routed. */
export function blockCommand(shell: Shell): Command {
  return noun("block").addCommand(list(shell)).addCommand(show(shell));
}

function list(shell: Shell): Command {
  return listOwn(shell, "ipblocks", {
    description: "List the blocks of addresses that nodes have: routes go to the node of a block.",
    examples: ["trestle block list --lab=east", `trestle block list --watch ${STORE}`],
    empty: "There are no blocks yet; a node claims one with its first pod.",
  });
}

function show(shell: Shell): Command {
  return verb("show", "Show one block and the addresses in it.", ["trestle block show 10.64.2.0/24 --lab=east"])
    .argument("<cidr>", "block of `trestle block list`, by its CIDR or its object's name")
    .action(async (word: string, _, command: Command) => {
      const { showOwnObject } = await import("../show.ts");
      const { ipBlockKind } = await import("../../crds/ip-block.ts");
      const { ipInstanceKind } = await import("../../crds/ip-instance.ts");
      const wanted = { kind: ipBlockKind, name: ipBlockName(word) };
      await showOwnObject(shell, globalsOf(command), wanted, async (block, peers) => {
        const instances = await peers.list(ipInstanceKind);
        return (look) => describeBlock(block, instances, look);
      });
    });
}
