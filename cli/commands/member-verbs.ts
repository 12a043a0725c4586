import type { Command } from "commander";
import { verb } from "../command.ts";
import { globalsOf } from "../globals.ts";
import type { Shell } from "../shell.ts";

/** Verbs that are alike for every kind of a cluster's own store. */

/** How one of them is told to people. */
interface VerbText {
  readonly description: string;
  readonly examples: readonly string[];
}

/** Put after an example, for whoever has no lab. */
export const STORE = "--store /var/lib/trestle/store/store.yaml";

/** `list` of a kind. @param word the kind, as `trestle get` knows it; `empty` is said when there is nothing to list */
export function listOwn(
  shell: Shell,
  word: string,
  { description, examples, empty }: VerbText & { readonly empty: string },
): Command {
  return verb("list", description, examples)
    .option("-w, --watch", "keep showing them as they change")
    .action(async ({ watch }: { readonly watch?: true }, command: Command) => {
      const { list } = await import("../list.ts");
      const { kindNamed } = await import("../kinds/registry.ts");
      const { withOwnStore } = await import("../session.ts");
      const globals = globalsOf(command);
      const listing = { watch: watch === true, empty };
      await withOwnStore(shell, globals, (store) => list(shell, globals, store, kindNamed("member", word), listing));
    });
}

/** `delete` of a kind. @param word the kind, as `trestle get` knows it; `argument` is which one */
export function deleteOwn(
  shell: Shell,
  word: string,
  { description, examples, argument }: VerbText & { readonly argument: readonly [name: string, help: string] },
): Command {
  return verb("delete", description, examples)
    .argument(...argument)
    .action(async (name: string, _, command: Command) => {
      const { deleteObject } = await import("../delete.ts");
      const { storeFileOf } = await import("../session.ts");
      const globals = globalsOf(command);
      storeFileOf(globals);
      await deleteObject(shell, globals, word, name);
    });
}
