import type { HubContext } from "../crds/wire/context.ts";
import { MeshError } from "../platform/errors.ts";
import { bookFile, readBook, readContextFile } from "./context-file.ts";
import type { ContextBook } from "./context-file.ts";
import type { Shell } from "./shell.ts";

/**
 * The hub a command is for: `--context`, else TRESTLE_CONTEXT, else the current one of the book. A word with a slash or
 * that ends in .yaml or .yml is a file, any other the name of a context in the book.
 * @throws MeshError `no-context` with what is known and how to get one, `bad-context`
 */
export function chooseContext(shell: Shell, asked: string | undefined): HubContext {
  const choice = asked ?? (shell.env["TRESTLE_CONTEXT"] || undefined);
  if (choice !== undefined && isFile(choice)) return readContextFile(choice);
  const book = readBook(bookFile(shell.env));
  return contextNamed(book, choice ?? book.current);
}

function isFile(choice: string): boolean {
  return choice.includes("/") || /\.ya?ml$/.test(choice);
}

/** The context of that name in the book. @throws MeshError `no-context` */
export function contextNamed(book: ContextBook, name: string | undefined): HubContext {
  const found = book.contexts.find((context) => context.name === name);
  if (found !== undefined) return found;
  const known = book.contexts.map((context) => context.name).join(", ");
  throw new MeshError("no-context", name === undefined ? noneCurrent(known) : noneNamed(name, known), { retry: false });
}

function noneCurrent(known: string): string {
  if (known !== "") return `no context is current; choose one of ${known} with \`trestle context use NAME\``;
  return "no hub is known; take over the context.yaml in the hub's --state folder with `trestle context import FILE`, or name it with --context FILE";
}

function noneNamed(name: string, known: string): string {
  return `there is no context "${name}"; ${known === "" ? "none is known yet: `trestle context import FILE` takes one over" : `known are ${known}`}`;
}
