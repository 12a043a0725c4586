import type { Command } from "commander";
import { noun, verb } from "../command.ts";
import { chooseContext, contextNamed } from "../context.ts";
import { bookFile, readBook, readContextFile, writeBook } from "../context-file.ts";
import type { HubContext } from "../../crds/wire/context.ts";
import { globalsOf } from "../globals.ts";
import { renderList, renderOne } from "../output.ts";
import { note } from "../shell.ts";
import type { Shell } from "../shell.ts";
import { renderFields } from "../describe.ts";
import type { Column } from "../table.ts";

/** What may be shown of a context: all but its secret. */
type Shown = Omit<HubContext, "userSeed" | "userJWT"> & { readonly current: boolean };

const columns: readonly Column<Shown>[] = [
  { title: "CURRENT", cell: ({ current }) => (current ? { text: "*", tone: "good" } : " ") },
  { title: "NAME", cell: ({ name }) => name },
  { title: "MESH", cell: ({ mesh }) => mesh },
  { title: "HUB", cell: ({ urls }) => urls.join(",") },
];

/** `trestle context …`: the hubs this person knows. Secrets are never shown. */
export function contextCommand(shell: Shell): Command {
  return noun("context").addCommand(list(shell)).addCommand(show(shell)).addCommand(use(shell)).addCommand(take(shell));
}

function list(shell: Shell): Command {
  return verb("list", "List the known contexts", ["trestle context list"]).action((_, command: Command) => {
    const { current, contexts } = readBook(bookFile(shell.env));
    const shown = contexts.map((context) => withoutSecret(context, context.name === current));
    shell.out(renderList(shell, globalsOf(command).output, columns, shown));
    if (shown.length === 0) note(shell, "No hub is known yet; `trestle context import FILE` takes one over.");
  });
}

function show(shell: Shell): Command {
  return verb("show", "Show the context a command would use", ["trestle context show --context lab"])
    .argument("[name|file]", "context to show, else the one in use")
    .action((name: string | undefined, _, command: Command) => {
      const globals = globalsOf(command);
      const context = chooseContext(shell, name ?? globals.context);
      const shown = withoutSecret(context, context.name === readBook(bookFile(shell.env)).current);
      shell.out(
        renderOne(shell, globals.output, shown, () =>
          renderFields([
            ["Name", shown.name],
            ["Mesh", shown.mesh],
            ["Hub", shown.urls.join("\n")],
            ["Current", shown.current ? "yes" : "no"],
          ]),
        ),
      );
    });
}

function use(shell: Shell): Command {
  return verb("use", "Make a context the current one", ["trestle context use prod"])
    .argument("<name>", "context of `trestle context list`")
    .action((name: string) => {
      const file = bookFile(shell.env);
      const book = readBook(file);
      writeBook(file, { ...book, current: contextNamed(book, name).name });
      note(shell, `Commands go to the hub of "${name}" now.`);
    });
}

function take(shell: Shell): Command {
  return verb("import", "Take over a context that a hub wrote, and make it the current one", [
    "trestle context import /var/lib/trestle/hub/context.yaml",
    "trestle context import ./context.yaml --name prod",
  ])
    .argument("<file>", "context.yaml of a hub's --state folder")
    .option("--name <name>", "call it so here; a context of that name is replaced")
    .action((source: string, { name }: { readonly name?: string }) => {
      const read = readContextFile(source);
      const context = { ...read, name: name ?? read.name };
      const file = bookFile(shell.env);
      const others = readBook(file).contexts.filter((other) => other.name !== context.name);
      writeBook(file, { current: context.name, contexts: [...others, context] });
      note(shell, `Context "${context.name}" is known and current now.`);
    });
}

function withoutSecret({ userSeed: _seed, userJWT: _jwt, ...shown }: HubContext, current: boolean): Shown {
  return { ...shown, current };
}
