import { expect, test } from "@jest/globals";
import { Command } from "commander";
import { addGlobals, globalsOf, operandsOf, settleLab, withoutLab } from "./globals.ts";

test.each([
  [
    ["--lab", "status"],
    ["--lab=", "status"],
  ],
  [
    ["status", "--lab"],
    ["status", "--lab="],
  ],
  [
    ["--lab=east", "get", "nodes"],
    ["--lab=east", "get", "nodes"],
  ],
  [
    ["lab", "exec", "hub", "--", "ls", "--lab"],
    ["lab", "exec", "hub", "--", "ls", "--lab"],
  ],
])("%j: a bare --lab takes no word for its value", (argv, settled) => {
  expect(settleLab(argv)).toEqual(settled);
});

test.each([
  [["--lab", "status"], ["status"]],
  [
    ["get", "nodes", "--lab=east", "-o", "json"],
    ["get", "nodes", "-o", "json"],
  ],
  [
    ["lab", "exec", "hub", "--", "ls", "--lab"],
    ["lab", "exec", "hub", "--", "ls", "--lab"],
  ],
  [
    ["get", "--label"],
    ["get", "--label"],
  ],
])("%j is %j inside the lab", (argv, inside) => {
  expect(withoutLab(argv)).toEqual(inside);
});

test.each([
  [
    ["pool", "list"],
    ["pool", "list"],
  ],
  [
    ["--context", "link", "pool", "list"],
    ["pool", "list"],
  ],
  [["-o", "json", "--verbose", "pool"], ["pool"]],
  [["--output=json", "--lab=east", "pool"], ["pool"]],
  [
    ["lab", "exec", "hub", "--", "pool"],
    ["lab", "exec", "hub"],
  ],
  [["--help"], []],
])("the words of %j that name a command are %j", (argv, operands) => {
  expect(operandsOf(argv)).toEqual(operands);
});

function tree(): { readonly root: Command; readonly leaf: Command } {
  const leaf = new Command("list").action(() => undefined);
  const noun = new Command("pool").addCommand(leaf).enablePositionalOptions();
  const root = new Command("trestle").addCommand(noun).enablePositionalOptions();
  for (const command of [root, noun, leaf]) addGlobals(command, { hidden: false });
  return { root, leaf };
}

test("without any, output is a table", () => {
  const { root, leaf } = tree();
  root.parse(["pool", "list"], { from: "user" });
  expect(globalsOf(leaf)).toEqual({ output: "table", verbose: false });
});

test.each([
  [["--output", "json", "pool", "list"], "json"],
  [["pool", "--output", "json", "list"], "json"],
  [["pool", "list", "--output", "json"], "json"],
  [["--output", "json", "pool", "list", "-o", "yaml"], "yaml"],
])("%j prints %s: they may stand anywhere, the last word wins", (argv, output) => {
  const { root, leaf } = tree();
  root.parse(argv, { from: "user" });
  expect(globalsOf(leaf).output).toBe(output);
});

test("a command's own option of the same name stays its own", () => {
  const agent = new Command("agent").option("--store <url>", "the agent's");
  addGlobals(agent, { hidden: false });
  expect(agent.options.filter(({ long }) => long === "--store").map(({ description }) => description)).toEqual([
    "the agent's",
  ]);
});
