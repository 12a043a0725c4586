import { addressIn } from "./addressing.ts";
import { checkLab } from "./check.ts";
import { takeDown } from "./down.ts";
import { drawColumns, drawMatrix } from "./drawings.ts";
import type { Paint } from "./drawings.ts";
import type { LabFile } from "./file.ts";
import { linkedPairs } from "./file.ts";
import { layoutOf } from "./layout.ts";
import { firstGateway, requireSite } from "./place.ts";
import { MeshError } from "../platform/errors.ts";
import { runner } from "../platform/run.ts";
import type { Progress } from "./progress.ts";
import { shapeOf } from "./show.ts";
import { labNames, podsInOrder, stateOf } from "./state.ts";
import type { Lab, PodState } from "./state.ts";
import { askHub } from "./trestle.ts";
import { measureThroughput } from "./throughput.ts";
import { bringUp } from "./up.ts";

export interface DemoOptions {
  /** Leave the lab running, unless it failed. */
  readonly keep: boolean;
  readonly progress: Progress;
  readonly paint: Paint;
  readonly signal: AbortSignal;
  out(text: string): void;
}

const MEASURE_SECONDS = 2;

/**
 * What a newcomer sees first: three clusters join a hub by command and their pods reach each other.
 * @returns whether all was as it must be
 * @throws MeshError `lab-there` rather than take down a lab that somebody else made
 */
export async function runDemo(
  lab: Lab,
  file: LabFile,
  { keep, progress, paint, signal, out }: DemoOptions,
): Promise<boolean> {
  if (labNames().includes(lab.name)) {
    throw new MeshError(
      "lab-there",
      `a lab ${lab.name} is up already; trestle lab down --name ${lab.name} takes it away`,
      { retry: false },
    );
  }
  const since = lab.clock.monotonic();
  let good = false;
  let ping = "bin/trestle lab exec CLUSTER/POD -- ping ADDRESS";
  try {
    progress.say("A hub and its clusters, each a few network namespaces with real processes:");
    await bringUp(lab, file, "all", { progress, signal });
    out(`\nEvery cluster got a range of its own from the hub:\n\n${drawRanges(lab)}`);
    out(
      `\nLinks and tunnels, as the gateways see them:\n\n${await askHub(lab, layoutOf(lab.name, file), ["status"], signal)}`,
    );
    const { report, holes } = await progress.step("every pod to every pod", () => checkLab(lab, signal));
    out(
      `\nEvery pod to every pod, by its own address: TCP with random bytes, 1 MiB, a 3,000-byte datagram\n\n${drawMatrix(report, paint)}`,
    );
    for (const hole of holes) out(`  ${hole}\n`);
    const figure = await progress.step("throughput", () => drawThroughput(lab, file, signal));
    out(`\nOne TCP stream, ${MEASURE_SECONDS} s each:\n\n${figure}`);
    const way = someWay(lab, file);
    if (way !== undefined) ping = `bin/trestle lab exec ${placeOf(way.from)} -- ping -c 3 ${way.to.addresses[0] ?? ""}`;
    good = report.failed === 0;
  } finally {
    if (!keep || !good)
      await progress.step(
        "taking the lab away",
        async () => void (await takeDown(lab, runner(), new AbortController().signal)),
      );
  }
  const seconds = ((lab.clock.monotonic() - since) / 1000).toFixed(1);
  out(
    `\n${keep && good ? `The lab is up, after ${seconds} s.` : `Done in ${seconds} s; nothing is left.`} ${nextSteps(lab.name, keep && good, ping)}`,
  );
  return good;
}

function drawRanges(lab: Lab): string {
  return drawColumns([
    ["CLUSTER", "POD CIDRS", "LAN"],
    ...shapeOf(lab).clusters.map(({ name, podCIDRs, lan }) => [name, podCIDRs.join(","), [lan].flat().join(",")]),
  ]);
}

/** Pod to pod through the mesh beside gateway to gateway without it, between the first two clusters that are linked. */
async function drawThroughput(lab: Lab, file: LabFile, signal: AbortSignal): Promise<string> {
  const layout = layoutOf(lab.name, file);
  const way = someWay(lab, file);
  if (way === undefined) return "(no two clusters are linked)\n";
  const { from, to } = way;
  const [near, far] = [firstGateway(requireSite(layout, from.cluster)), firstGateway(requireSite(layout, to.cluster))];
  const family = near.attachments.find((own) => addressIn(far.attachments, own.family) !== undefined)?.family;
  const address = addressIn(far.attachments, family) ?? "";
  const bare = { from: `${near.cluster}/${near.name}`, to: `${far.cluster}/${far.name}`, address };
  const mesh = { from: placeOf(from), to: placeOf(to), address: to.addresses[0] ?? "" };
  const rows: string[][] = [];
  for (const [title, path] of [
    ["through the mesh, encrypted", mesh],
    ["bare path, no tunnel", bare],
  ] as const) {
    const bits = await measureThroughput(lab, path, MEASURE_SECONDS, signal);
    rows.push([title, `${path.from} → ${path.to}`, `${(bits / 1e9).toFixed(2)} Gbit/s`]);
  }
  return drawColumns(rows);
}

/** Some pod and some pod of a cluster linked with its own. */
function someWay(lab: Lab, file: LabFile): { readonly from: PodState; readonly to: PodState } | undefined {
  const linked = linkedPairs(file);
  const pods = podsInOrder(stateOf(lab));
  return pods
    .flatMap((from) => pods.map((to) => ({ from, to })))
    .find(({ from, to }) => linked.has(`${from.cluster}>${to.cluster}`));
}

function placeOf({ cluster, name }: PodState): string {
  return `${cluster}/${name}`;
}

function nextSteps(lab: string, kept: boolean, ping: string): string {
  if (!kept) return "KEEP=1 make demo leaves the lab running, to look around in.\n";
  const steps = [
    ["bin/trestle lab show", "what is where"],
    [ping, "be a pod"],
    ["bin/trestle --lab status --watch", "the mesh, as it changes"],
    ["bin/trestle lab break hub", "traffic goes on; bin/trestle lab mend hub"],
    ["bin/trestle lab check", "every pod to every pod, again"],
    [`bin/trestle lab down --name ${lab}`, "take it all away"],
  ];
  return `Next:\n\n${drawColumns(steps.map(([command = "", why = ""]) => [`  ${command}`, why]))}`;
}
