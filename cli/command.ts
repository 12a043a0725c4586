import { Command, InvalidArgumentError } from "commander";

/** `trestle NOUN`, to which its verbs are added. */
export function noun(name: string): Command {
  // A verb that passes words on as they are (`lab exec`) may only be added to one that does not take them first.
  return new Command(name).enablePositionalOptions();
}

/** A command that does something. `examples` are whole lines with what they are for, shown below its help. */
export function verb(name: string, description: string, examples: readonly string[]): Command {
  // The list of a noun's verbs shows the first sentence only.
  const [first = description] = description.split(/(?<=[.:]) /);
  return new Command(name)
    .description(description)
    .summary(first.replace(/[.:]$/, ""))
    .addHelpText("after", examplesText(examples));
}

/** What to show below the help of a command that is both a word and its verb, e.g. `trestle status`. */
export function examplesText(examples: readonly string[]): string {
  return `\n${examples.length === 1 ? "Example" : "Examples"}:\n${examples.map((line) => `  ${line}`).join("\n")}`;
}

/** For options that may be given several times and take comma lists: `--members a,b --members c`. */
export function collect(value: string, before: readonly string[] | undefined): string[] {
  return [
    ...(before ?? []),
    ...value
      .split(",")
      .map((word) => word.trim())
      .filter(Boolean),
  ];
}

/** For options of KEY=VALUE that may be given several times. What follows the first `=` is the value. */
export function collectPairs(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  const at = text.indexOf("=");
  if (at < 1) throw new InvalidArgumentError("Write it as KEY=VALUE.");
  return { ...before, [text.slice(0, at)]: text.slice(at + 1) };
}

/** For options that are a prefix length. */
export function readBits(text: string): number {
  if (!/^\d{1,3}$/.test(text)) throw new InvalidArgumentError("It is a number of bits, such as 16.");
  return Number(text);
}

/** For node selectors, which may be given several times: `--node-selector site=berlin,rack=1`. */
export function collectSelector(text: string, before: Readonly<Record<string, string>> = {}): Record<string, string> {
  return collect(text, undefined).reduce((labels, pair) => collectPairs(pair, labels), { ...before });
}

/** The same where `none` takes away what there is. */
export function collectSelectorOrNone(text: string, before?: Readonly<Record<string, string>>): Record<string, string> {
  return text === "none" ? {} : collectSelector(text, before);
}
