import { readFileSync } from "node:fs";
import { Command } from "commander";
import { MeshError, messageOf } from "../../platform/errors.ts";
import type { Fault } from "../apply/documents.ts";
import { examplesText } from "../command.ts";
import { globalsOf } from "../globals.ts";
import type { Globals } from "../globals.ts";
import { note } from "../shell.ts";
import type { Shell } from "../shell.ts";

/** `trestle apply -f FILE`: what is written in YAML becomes so, all of it or, when any of it is at fault, nothing. */
export function applyCommand(shell: Shell): Command {
  return new Command("apply")
    .description(
      "Create or update the resources in a YAML file. The whole file is read and judged before anything is written; labels and annotations that it does not mention stay.",
    )
    .requiredOption("-f, --filename <file>", "file of YAML documents, - for standard input")
    .addHelpText(
      "after",
      examplesText([
        "trestle apply -f mesh.yaml",
        "trestle get pools --output yaml | trestle apply -f -     a round trip changes nothing",
      ]),
    )
    .action(async ({ filename }: { readonly filename: string }, command: Command) => {
      const text = filename === "-" ? await shell.readStdin() : readFile(filename);
      await apply(shell, globalsOf(command), filename === "-" ? "standard input" : filename, text);
    });
}

async function apply(shell: Shell, globals: Globals, source: string, text: string): Promise<void> {
  const { pathIn, readWishes } = await import("../apply/wishes.ts");
  const { grant, refusalOf } = await import("../apply/grant.ts");
  const { withStore } = await import("../session.ts");
  const { wishes, faults } = readWishes(text, globals.store === undefined ? "hub" : "member");
  if (faults.length > 0) throw new MeshError("bad-file", faultsText(source, faults), { retry: false });
  if (wishes.length === 0) {
    note(shell, `There is nothing to apply in ${source}.`);
    return;
  }
  await withStore(shell, globals, async (session) => {
    const store = await session.store();
    const refused = await refusalOf(wishes, store);
    if (refused !== undefined) {
      const { wish, code, message } = refused;
      const { document, lineOf } = wish.written;
      throw new MeshError(code, faultsText(source, [{ document, line: lineOf(pathIn(message)), message }]), {
        retry: false,
      });
    }
    for (const wish of wishes) {
      const outcome = await grant(wish, store);
      shell.out(`${wish.known.kind.kind.toLowerCase()}/${wish.object.metadata.name} ${outcome}\n`);
    }
  });
}

/** `mesh.yaml, document 2, line 14: …; nothing was changed`, or a line a fault. */
function faultsText(source: string, faults: readonly Fault[]): string {
  const [first, ...more] = faults.map(
    ({ document, line, message }) => `document ${document}, line ${line}: ${message}`,
  );
  if (more.length === 0) return `${source}, ${first}; nothing was changed`;
  return [`${source} has ${faults.length} faults, nothing was changed:`, first, ...more].join("\n  ");
}

function readFile(file: string): string {
  try {
    return readFileSync(file, "utf8");
  } catch (error) {
    throw new MeshError("unreadable", `cannot read ${file}: ${messageOf(error)}`, { retry: false, cause: error });
  }
}
