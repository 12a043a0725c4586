import { randomBytes } from "node:crypto";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { takeDown } from "../../../lab/down.ts";
import { layoutOf } from "../../../lab/layout.ts";
import type { Site } from "../../../lab/layout.ts";
import { findPlace, inNetns, requireSite } from "../../../lab/place.ts";
import type { Place } from "../../../lab/place.ts";
import { killAll, readStat, sessionOf } from "../../../lab/process.ts";
import type { ProcessRef } from "../../../lab/process.ts";
import { openLab, stateOf } from "../../../lab/state.ts";
import type { Lab } from "../../../lab/state.ts";
import { statusAnswer } from "../../../crds/wire/hub-api.ts";
import type { StatusAnswer } from "../../../crds/wire/hub-api.ts";
import { familyOf } from "../../../mesh/cidr.ts";
import type { Family } from "../../../mesh/resources.ts";
import { systemClock } from "../../../platform/clock.ts";
import { runner } from "../../../platform/run.ts";
import type { Run } from "../../../platform/run.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { typist } from "./typed.ts";
import type { Typed, Typist } from "./typed.ts";

/** For a lab to come up, and for a test of one: a busy machine with two cores needs two minutes, and may stall. */
export const LAB_LIMIT_MS = 300_000;
/** A gateway and a plain node on one side, a lone gateway on the other. */
export const TWO_CLUSTERS = path.join(import.meta.dirname, "..", "two-clusters.yaml");
export const THREE_CLUSTERS = path.join(import.meta.dirname, "..", "..", "..", "lab", "three-clusters.yaml");

/** A lab of a test's own, worked by the commands its user would type and watched from inside its namespaces. */
export interface TestLab extends Pick<Typist, "start" | "try"> {
  readonly lab: Lab;
  readonly name: string;
  /** In the environment of every process of the lab, and of no other. */
  readonly mark: string;
  /** `trestle lab up`, with whatever follows it. */
  up(...words: readonly string[]): Promise<string>;
  /** `trestle lab VERB … --name LAB` @returns what it printed */
  do(...words: readonly string[]): Promise<string>;
  /** `trestle lab break`, and waits until what was killed has left the process table. */
  break(...targets: readonly string[]): Promise<void>;
  mend(...targets: readonly string[]): Promise<void>;
  /** Kills a daemon of the lab and its children on the spot, without a command's start between; `mend` starts it again. */
  kill(target: string): Promise<void>;
  /** A command against the lab's hub, or `at` a cluster's own store. @returns what it printed */
  ask(...words: readonly string[]): Promise<string>;
  at(cluster: string, ...words: readonly string[]): Promise<string>;
  /** The same, for commands that may fail. */
  tryAsk(...words: readonly string[]): Promise<Typed>;
  status(): Promise<StatusAnswer>;
  /** `hub`, `CLUSTER/NODE` or `CLUSTER/POD` */
  place(name: string): Place;
  /** The site's router: its `uplink` sees all that leaves for the WAN. */
  router(cluster: string): Place;
  site(cluster: string): Site;
  /** Every node, as `CLUSTER/NODE`. */
  nodes(): string[];
  /** Address of a pod: of that family, else of the first that it has. */
  pod(name: string, family?: Family): string;
  down(): Promise<void>;
}

/** A lab with a name that nobody else on this machine uses; nothing is made yet. */
export function newTestLab(): TestLab {
  const name = `e2e${randomBytes(4).toString("hex")}`;
  const lab = openLab(name, systemClock);
  const layout = () => layoutOf(name, stateOf(lab).file);
  const mark = `run-${name}`;
  const { start, try: attempt, type: trestle } = typist(mark);
  const ask = (...words: readonly string[]): Promise<string> => trestle(`--lab=${name}/hub`, ...words);
  const act = (...words: readonly string[]): Promise<string> => trestle("lab", ...words, "--name", name);
  const reaped = async (target: string, end: (daemon: ProcessRef | undefined) => Promise<unknown>): Promise<void> => {
    const daemon = stateOf(lab).processes[target];
    await end(daemon);
    if (daemon) await eventually(() => readStat(daemon.pid)?.startTime !== daemon.startTime || `${target} is there`);
  };
  return {
    lab,
    name,
    mark,
    start,
    try: attempt,
    ask,
    break: async (...targets) => {
      for (const target of targets) await reaped(target, () => act("break", target));
    },
    mend: async (...targets) => {
      for (const target of targets) await act("mend", target);
    },
    kill: (target) =>
      reaped(target, async (daemon) => {
        if (daemon) await killAll(sessionOf(daemon), systemClock, new AbortController().signal);
      }),
    up: (...words) => trestle("lab", "up", ...words, "--name", name),
    do: act,
    at: (cluster, ...words) => trestle(`--lab=${name}/${cluster}`, ...words),
    tryAsk: (...words) => attempt(`--lab=${name}/hub`, ...words),
    status: async () => statusAnswer.parse(JSON.parse(await ask("status", "--output", "json"))),
    place: (where) => patient(findPlace(lab, stateOf(lab), where)),
    router: (cluster) => patient(inNetns(requireSite(layout(), cluster).netns)),
    site: (cluster) => requireSite(layout(), cluster),
    nodes: () => layout().sites.flatMap(({ cluster, nodes }) => nodes.map((node) => `${cluster}/${node.name}`)),
    pod: (where, family) => {
      const pod = stateOf(lab).pods.find(({ cluster, name: own }) => `${cluster}/${own}` === where);
      const found = pod?.addresses.find((address) => family === undefined || familyOf(address) === family);
      if (found === undefined) throw new Error(`there is no pod ${where}${family ? ` with IPv${family}` : ""}`);
      return found;
    },
    down: async () => void (await takeDown(lab, runner(), new AbortController().signal)),
  };
}

/** Gives programs as long as a stalled machine needs. */
function patient(place: Place): Place {
  const run: Run = (program, args, options) => place.run(program, args, { limitMs: 60_000, ...options });
  return { ...place, run };
}

/** True when `count` pairs are up and every cluster has applied what the hub published last; else what the hub says. */
export async function allUp(lab: TestLab, count: number): Promise<unknown> {
  const { pairs, clusters } = await lab.status();
  const settled = clusters.every(({ desired, applied }) => isDeepStrictEqual(desired, applied));
  const up = pairs.length === count && pairs.every(({ state }) => state === "Up");
  return (settled && up) || { pairs, clusters };
}

const pools = z.array(z.object({ spec: z.object({ cidr: z.string(), purpose: z.string() }) }));

/** The prefixes of all clusters, of pods and of the mesh: what nobody outside a tunnel may read on a wire. */
export async function meshPrefixes(lab: TestLab): Promise<string[]> {
  const { clusters } = await lab.status();
  const all = pools.parse(JSON.parse(await lab.ask("get", "pools", "--output", "json")));
  const mesh = all.filter(({ spec }) => spec.purpose === "Mesh").map(({ spec }) => spec.cidr);
  return [...clusters.flatMap(({ podCIDRs }) => podCIDRs), ...mesh];
}
