import { readFileSync } from "node:fs";
import { Command } from "commander";
import { catalogue, completionEntry } from "./catalogue.ts";
import { addGlobals, operandsOf } from "./globals.ts";
import type { Shell } from "./shell.ts";

/** The command tree for one command line: whole where the line goes, names and summaries elsewhere. */
export async function buildProgram(words: readonly string[], shell: Shell): Promise<Command> {
  // An option of the root may stand before the words, one of a leaf after them: unless positional, the root takes both.
  const program = new Command("trestle")
    .enablePositionalOptions()
    .description("Joins clusters into one mesh: a pod reaches a pod of another cluster by its IP address, encrypted.")
    .version(version(), "-V, --version", "print the version")
    .commandsGroup(completionEntry.group)
    .helpCommand("help [command]", "show how a command is used")
    .addHelpText("after", ROOT_EXAMPLES);
  const operands = operandsOf(words);
  const wanted = operands[0] === "help" ? operands[1] : operands[0];
  const completes = wanted === completionEntry.name || wanted === "complete";
  for (const entry of catalogue) {
    const needed = entry.name === wanted || completes;
    const command = needed ? (await entry.load())(shell) : new Command(entry.name);
    program.addCommand(
      command
        .description(command.description() || entry.summary)
        .summary(entry.summary)
        .helpGroup(entry.group),
    );
  }
  if (!completes) program.addCommand(new Command(completionEntry.name).summary(completionEntry.summary));
  settle(program, shell);
  if (completes) (await import("./completion.ts")).addCompletion(program);
  // The library shows the whole help instead, and does not say why.
  if (operands[0] === "help" && wanted !== undefined && program.commands.every((known) => known.name() !== wanted))
    program.error(`error: unknown command '${wanted}'`);
  return program;
}

const ROOT_EXAMPLES = `
Examples:
  trestle pool create pods --cidr 10.128.0.0/9     what clusters get their pod CIDRs from
  trestle token create east                        a token to join the cluster "east" with
  trestle link create all --members east,west      let them talk
  trestle status --watch                           see it happen

Exit codes: 0 done, 1 failed, 2 the command line is wrong.`;

/** Gives a tree, whoever built it, the manners of this program. */
function settle(command: Command, shell: Shell): void {
  const isLeaf = command.commands.length === 0;
  command
    .exitOverride()
    .configureHelp({ subcommandTerm: termOf })
    .configureOutput({ writeOut: shell.out, writeErr: shell.err })
    .showHelpAfterError(`(${pathOf(command)} --help shows how it is used)`);
  // Also for a word that is a command itself and has verbs (`hub`): what follows the verb is the verb's.
  if (!isLeaf) command.enablePositionalOptions();
  addGlobals(command, { hidden: !isLeaf && command.parent !== null });
  for (const inner of command.commands) settle(inner, shell);
}

/** `create <name>`: that there are options goes without saying. */
function termOf(command: Command): string {
  const words = command.registeredArguments.map((argument) => {
    const name = argument.name() + (argument.variadic ? "..." : "");
    return argument.required ? `<${name}>` : `[${name}]`;
  });
  return [command.name(), ...words].join(" ");
}

/** `trestle link create` */
function pathOf(command: Command): string {
  return command.parent === null ? command.name() : `${pathOf(command.parent)} ${command.name()}`;
}

function version(): string {
  const read: unknown = JSON.parse(readFileSync(new URL("../package.json", import.meta.url), "utf8"));
  return typeof read === "object" && read !== null && "version" in read ? String(read.version) : "unknown";
}
