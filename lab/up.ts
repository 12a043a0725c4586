import { isDeepStrictEqual } from "node:util";
import { MeshError } from "../platform/errors.ts";
import { runner } from "../platform/run.ts";
import { awaitTables } from "./await-tables.ts";
import { recordProcess } from "./daemons.ts";
import { removeKernelState } from "./down.ts";
import { mendAll } from "./faults.ts";
import type { LabFile } from "./file.ts";
import { layoutOf } from "./layout.ts";
import type { Layout } from "./layout.ts";
import { withLock } from "./lock.ts";
import { notePodCIDRs, startCluster, startHub } from "./members-up.ts";
import { awaitPairs, awaitPodNetworks, createLinks, makePods } from "./mesh-up.ts";
import { inParallel } from "./parallel.ts";
import { holderKey } from "./place.ts";
import { isAlive, readStat } from "./process.ts";
import type { Progress } from "./progress.ts";
import { createState, readState, updateState } from "./state.ts";
import type { Lab, LabState } from "./state.ts";
import { planTopology } from "./topology.ts";
import { applyTopology, startHolder } from "./topology-apply.ts";
import { waitUntil } from "./wait.ts";

/** How far to go: `net` has no process of ours, `hub` one hub with its pools, `agents` joined clusters, no links, no pods. */
export type Stage = "net" | "hub" | "agents" | "all";

/**
 * Brings a lab up, or completes what lacks of it. Whatever stops it half-way leaves what `takeDown` can take away and
 * what a second run can go on from.
 * @throws MeshError `lab-differs` when a lab of this name was made from another file
 */
export async function bringUp(
  lab: Lab,
  file: LabFile,
  stage: Stage,
  { progress, signal }: { progress: Progress; signal: AbortSignal },
): Promise<void> {
  const layout = layoutOf(lab.name, file);
  const target = { lab, layout, file };
  // Two at once on one lab would start everything twice.
  const onWaiting = (): void => progress.say(`Another command is bringing up lab ${lab.name}; waiting for it`);
  await withLock(`${lab.name}/up`, { clock: lab.clock, signal, onWaiting }, async () => {
    const state = adopt(lab, file);
    if (hasTopology(state, layout)) await mendAll(lab, signal);
    else await progress.step(`net of ${layout.sites.length} sites`, () => makeTopology(lab, state, layout, signal));
    if (stage === "net") return;
    await progress.step("hub, with its pools", () => startHub(target, signal));
    if (stage === "hub") return;
    const joins = layout.sites.map((site) => (either: AbortSignal) => {
      const agents = site.nodes.length === 1 ? "1 agent" : `${site.nodes.length} agents`;
      return progress.step(`${site.cluster}: store, join, ${agents}`, () => startCluster(target, site, either));
    });
    await inParallel(signal, joins);
    await notePodCIDRs(target, signal);
    if (stage === "agents") return;
    const count = layout.sites.reduce((sum, site) => sum + site.nodes.length, 0);
    const machines = count === 1 ? "1 machine" : `${count} machines`;
    const pods = file.clusters.reduce((sum, cluster) => sum + cluster.pods.length, 0);
    await inParallel(signal, [
      async (either) => {
        await progress.step(`pod networks of ${machines}`, () => awaitPodNetworks(target, either));
        await progress.step(`${pods} pods`, () => makePods(target, either));
      },
      (either) =>
        progress.step(
          `${file.links.length === 1 ? "1 link" : `${file.links.length} links`}, every pair up`,
          async () => {
            await createLinks(target, either);
            await awaitPairs(target, either);
          },
        ),
    ]);
    await progress.step(`tables of ${machines}`, () => awaitTables(target, signal));
  });
}

function adopt(lab: Lab, file: LabFile): LabState {
  const present = readState(lab);
  if (present === undefined) return createState(lab, file);
  if (isDeepStrictEqual(present.file, file)) return present;
  const message = `lab ${lab.name} was made from another file; trestle lab down --name ${lab.name} first, or give this one a name of its own with --name`;
  throw new MeshError("lab-differs", message, { retry: false });
}

/** The holders come last of the net: while all of them live, the net is whole. */
function hasTopology(state: LabState, { sites }: Layout): boolean {
  return sites
    .flatMap(({ nodes }) => nodes)
    .every((node) => {
      const holder = state.processes[holderKey(node)];
      return holder !== undefined && isAlive(holder);
    });
}

async function makeTopology(lab: Lab, state: LabState, layout: Layout, signal: AbortSignal): Promise<void> {
  const run = runner();
  await removeKernelState(lab, state, { run, clock: lab.clock, signal });
  await updateState(lab, (present) => ({ ...present, processes: {}, broken: [] }));
  await applyTopology(planTopology(layout), run, signal);
  const nodes = layout.sites.flatMap((site) => site.nodes);
  await Promise.all(
    nodes.map(async (node) => {
      const holder = await startHolder(lab, node);
      const holds = (): true | undefined => (readStat(holder.pid)?.command === "sleep" ? true : undefined);
      await waitUntil(holds, () => `node ${node.cluster}/${node.name} got no mount namespace`, {
        clock: lab.clock,
        signal,
        limitMs: 10_000,
        everyMs: 3,
      });
      await recordProcess(lab, holderKey(node), holder);
    }),
  );
}
