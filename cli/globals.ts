import { Option } from "commander";
import type { Command } from "commander";
import { OUTPUT_FORMATS } from "./format.ts";
import type { OutputFormat } from "./format.ts";

/** The options every command takes, before or after its words; what stands nearer to the end wins. */
export interface Globals {
  readonly output: OutputFormat;
  /** Name or file of the hub context. */
  readonly context?: string | undefined;
  /** Access file of a cluster's own store, to act there instead of on the hub. */
  readonly store?: string | undefined;
  /** Empty: the lab's hub; `CLUSTER` or `LAB/CLUSTER`: that cluster's own store; undefined: not in a lab. */
  readonly lab?: string | undefined;
  readonly verbose: boolean;
}

const GROUP = "Global options:";

/** Adds the global options to one command, but for those it defines itself. */
export function addGlobals(command: Command, { hidden }: { readonly hidden: boolean }): void {
  for (const option of globalOptions()) {
    if (command.options.some(({ long, short }) => long === option.long || (short && short === option.short))) continue;
    command.addOption(hidden ? option.hideHelp() : option);
  }
}

function globalOptions(): Option[] {
  return [
    new Option("-o, --output <format>", "how results are printed").choices(OUTPUT_FORMATS),
    new Option("--context <name|file>", "the hub to talk to (else $TRESTLE_CONTEXT, else the current context)"),
    new Option("--store <file>", "act on a cluster's own store, by its access file, instead of the hub"),
    new Option("--lab [cluster]", "run inside the lab: against its hub, or --lab=CLUSTER for that cluster's store"),
    new Option("--verbose", "say on standard error what is done, and where an error came from"),
  ].map((option) => option.helpGroup(GROUP));
}

/** The global options a command runs with, gathered from the root down to it. */
export function globalsOf(command: Command): Globals {
  const given: Partial<Globals> = {};
  for (let at: Command | null = command; at !== null; at = at.parent) {
    const inner = at.opts<Partial<Globals>>();
    for (const name of ["output", "context", "store", "lab", "verbose"] as const) {
      if (given[name] === undefined && inner[name] !== undefined) Object.assign(given, { [name]: inner[name] });
    }
  }
  return { ...given, output: given.output ?? "table", verbose: given.verbose ?? false };
}

/**
 * Bare `--lab` made `--lab=`: an option with an optional value would eat the next word, so a lab's cluster is given as
 * `--lab=CLUSTER` only. Words after `--` are somebody else's.
 */
export function settleLab(argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  return argv.map((word, at) => (word === "--lab" && (end === -1 || at < end) ? "--lab=" : word));
}

/** A command line as it is typed inside the lab: without the `--lab` that leads there. */
export function withoutLab(argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  return argv.filter((word, at) => !/^--lab(=|$)/.test(word) || (end !== -1 && at > end));
}

const VALUED = new Set(["-o", "--output", "--context", "--store"]);

/** The words of a command line that name the command: those before `--` that are neither options nor their values. */
export function operandsOf(argv: readonly string[]): string[] {
  const end = argv.indexOf("--");
  const words = end === -1 ? argv : argv.slice(0, end);
  return words.filter((word, at) => !word.startsWith("-") && !VALUED.has(words[at - 1] ?? ""));
}
