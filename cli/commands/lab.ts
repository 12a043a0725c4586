import path from "node:path";
import type { Command } from "commander";
import { Option } from "commander";
import pc from "picocolors";
import type { Paint } from "../../lab/drawings.ts";
import type { Progress } from "../../lab/progress.ts";
import { MeshError } from "../../platform/errors.ts";
import { noun, verb } from "../command.ts";
import { EXIT, Verdict } from "../exit.ts";
import { globalsOf } from "../globals.ts";
import { renderOne } from "../output.ts";
import { note } from "../shell.ts";
import type { Shell } from "../shell.ts";
import { chooseLab, nameOption } from "./lab-options.ts";
import type { LabOptions } from "./lab-options.ts";
import { podCommand } from "./lab-pod.ts";

const DEFAULT_NAME = "lab";
/** Codes of failures before anything of a lab was made. */
const UNTOUCHED: ReadonlySet<string> = new Set(["lab-differs", "bad-lab-state", "lab-unwritable"]);
const DEFAULT_FILE = path.join(import.meta.dirname, "..", "..", "lab", "three-clusters.yaml");

/** `trestle lab …`: clusters out of network namespaces on this machine. */
export function labCommand(shell: Shell): Command {
  const lab = noun("lab");
  for (const inner of [up, show, exec, podCommand, breaks, mend, check, down, demo]) lab.addCommand(inner(shell));
  return lab;
}

function up(shell: Shell): Command {
  return verb(
    "up",
    "Bring a lab up, or complete what lacks of it: machines, a hub, clusters that join by token, links, pods.",
    [
      "trestle lab up",
      "trestle lab up my-lab.yaml --name second",
      "trestle lab up --stage hub                a hub with its pools, and machines to join from",
    ],
  )
    .argument("[file]", "lab file", DEFAULT_FILE)
    .option("--name <lab>", "name of the lab, first part of all its network namespaces", DEFAULT_NAME)
    .addOption(
      new Option(
        "--stage <stage>",
        "stop earlier: with the hub up, or with all clusters joined but no links and pods",
      ).choices(["hub", "agents"]),
    )
    .action(async (file: string, { name, stage }: { readonly name: string; readonly stage?: "hub" | "agents" }) => {
      const { preflight } = await import("../../lab/preflight.ts");
      preflight(shell.env["PATH"] ?? "");
      const { readLabFile } = await import("../../lab/read-file.ts");
      const { openLab } = await import("../../lab/state.ts");
      const { bringUp } = await import("../../lab/up.ts");
      const read = readLabFile(file);
      const lab = openLab(name, shell.clock);
      try {
        await bringUp(lab, read, stage ?? "all", { progress: await progressOf(shell), signal: shell.signal });
      } catch (error) {
        if (!(error instanceof MeshError && UNTOUCHED.has(error.code))) {
          const again = name === DEFAULT_NAME ? "" : ` --name ${name}`;
          note(
            shell,
            `Lab ${name} is half made: the same command goes on from here, trestle lab down${again} takes it away.`,
          );
        }
        throw error;
      }
    });
}

function show(shell: Shell): Command {
  return verb("show", "Show what is where in a lab: places, addresses, network namespaces.", [
    "trestle lab show",
    "trestle lab show --output json",
  ])
    .addOption(nameOption())
    .action(async (options: LabOptions, command: Command) => {
      const { shapeOf } = await import("../../lab/show.ts");
      const { drawLab } = await import("../../lab/drawings.ts");
      const shape = shapeOf(await chooseLab(shell, options));
      shell.out(renderOne(shell, globalsOf(command).output, shape, () => drawLab(shape)));
    });
}

function exec(shell: Shell): Command {
  return verb("exec", "Run a program somewhere in a lab, with this terminal; its exit code is passed on.", [
    "trestle lab exec east/web -- ping -c 3 10.65.0.1",
    "trestle lab exec east/a -- wg show",
    "trestle lab exec east/router -- tcpdump -ni uplink      what leaves the site",
    "trestle lab exec hub -- bash",
  ])
    .addOption(nameOption())
    .argument("<place>", "hub, wan, CLUSTER/NODE, CLUSTER/router or CLUSTER/POD")
    .argument("<command...>", "program and its words, after --")
    .passThroughOptions()
    .action(async (name: string, words: readonly string[], options: LabOptions, command: Command) => {
      if (words[0] !== "--" && words[0]?.startsWith("-"))
        command.error("error: the options of `lab exec` stand before the place, the program and its words after --");
      const { findPlace } = await import("../../lab/place.ts");
      const { stateOf } = await import("../../lab/state.ts");
      const { keepFolder, runInherited } = await import("../../lab/enter.ts");
      const lab = await chooseLab(shell, options);
      const { prefix } = findPlace(lab, stateOf(lab), name);
      const code = await runInherited([...keepFolder(prefix), ...(words[0] === "--" ? words.slice(1) : words)]);
      if (code !== EXIT.done) throw new Verdict(code);
    });
}

const TARGETS =
  "hub, store:CLUSTER, agent:CLUSTER/NODE, node:CLUSTER/NODE (its LAN cable), wan:CLUSTER (its uplink), mtu:CLUSTER=BYTES[,silent] (its uplink, narrow), tunnel:CLUSTER/NODE";

function breaks(shell: Shell): Command {
  return verb("break", "Break a part of a lab, the hard way: processes are killed, cables pulled.", [
    "trestle lab break hub",
    "trestle lab break node:east/a",
    "trestle lab break mtu:east=1300           larger packets are refused; with ,silent nobody is told",
  ])
    .addOption(nameOption())
    .argument("<target>", TARGETS)
    .action(async (target: string, options: LabOptions) => {
      const { breakTarget } = await import("../../lab/faults.ts");
      await breakTarget(await chooseLab(shell, options), target, shell.signal);
      note(shell, `${target} is broken; trestle lab mend ${target} mends it`);
    });
}

function mend(shell: Shell): Command {
  return verb("mend", "Mend what was broken.", ["trestle lab mend hub"])
    .addOption(nameOption())
    .argument("<target>", TARGETS)
    .action(async (target: string, options: LabOptions) => {
      const { mendTarget } = await import("../../lab/faults.ts");
      await mendTarget(await chooseLab(shell, options), target, shell.signal);
      note(shell, `${target} is mended`);
    });
}

function check(shell: Shell): Command {
  return verb(
    "check",
    "Try every pod to every pod, in each family both have: source address, 1 MiB, a large datagram; and that what is not linked is apart. Exits 1 on any hole.",
    ["trestle lab check", "trestle lab check --output json"],
  )
    .addOption(nameOption())
    .action(async (options: LabOptions, command: Command) => {
      const { checkLab } = await import("../../lab/check.ts");
      const { drawMatrix } = await import("../../lab/drawings.ts");
      const { report, holes } = await checkLab(await chooseLab(shell, options), shell.signal);
      shell.out(renderOne(shell, globalsOf(command).output, report, () => drawMatrix(report, paintOf(shell))));
      for (const hole of holes) note(shell, hole);
      if (report.failed > 0) throw new Verdict(EXIT.failed);
    });
}

function down(shell: Shell): Command {
  return verb("down", "Take a lab away, whole or half made: nothing of it is left.", [
    "trestle lab down",
    "trestle lab down --name second",
  ])
    .option("--name <lab>", "which lab: never guessed, so that a second time takes away no other", DEFAULT_NAME)
    .action(async (options: LabOptions) => {
      const { takeDown } = await import("../../lab/down.ts");
      const { labNames } = await import("../../lab/state.ts");
      const { runner } = await import("../../platform/run.ts");
      const lab = await chooseLab(shell, options);
      const removed = await takeDown(lab, runner(), shell.signal);
      const others = labNames();
      const there = others.length > 0 ? `; there is ${others.join(", ")}` : "";
      note(shell, removed ? `lab ${lab.name} is gone` : `there is no lab ${lab.name}${there}`);
    });
}

function demo(shell: Shell): Command {
  return verb("demo", "Show it all: three clusters join, their pods reach each other; then take it away.", [
    "trestle lab demo",
    "KEEP=1 trestle lab demo",
  ])
    .option("--name <lab>", "name of the lab", DEFAULT_NAME)
    .option("--keep", "leave the lab running ($KEEP)")
    .action(async ({ name, keep }: { readonly name: string; readonly keep?: true }) => {
      const { preflight } = await import("../../lab/preflight.ts");
      preflight(shell.env["PATH"] ?? "", { iperf3: "iperf3", ping: "iputils-ping" });
      const { runDemo } = await import("../../lab/demo.ts");
      const { readLabFile } = await import("../../lab/read-file.ts");
      const { openLab } = await import("../../lab/state.ts");
      const kept = keep === true || !["", "0", undefined].includes(shell.env["KEEP"]);
      const options = {
        keep: kept,
        progress: await progressOf(shell),
        paint: paintOf(shell),
        signal: shell.signal,
        out: shell.out,
      };
      const good = await runDemo(openLab(name, shell.clock), readLabFile(DEFAULT_FILE), options);
      if (!good) throw new Verdict(EXIT.failed);
    });
}

async function progressOf(shell: Shell): Promise<Progress> {
  const { createProgress } = await import("../../lab/progress.ts");
  return createProgress({ write: shell.err, clock: shell.clock, live: shell.interactive, colour: shell.colour });
}

function paintOf({ colour }: Shell): Paint {
  const { green, red, dim } = pc.createColors(colour);
  return { good: green, bad: red, faint: dim };
}
