import { randomBytes } from "node:crypto";
import path from "node:path";
import { takeDown } from "../../../lab/down.ts";
import { layoutOf } from "../../../lab/layout.ts";
import type { Site } from "../../../lab/layout.ts";
import { findPlace, inNetns, requireSite } from "../../../lab/place.ts";
import type { Place } from "../../../lab/place.ts";
import { openLab, stateOf } from "../../../lab/state.ts";
import type { Lab } from "../../../lab/state.ts";
import { statusAnswer } from "../../../crds/wire/hub-api.ts";
import type { StatusAnswer } from "../../../crds/wire/hub-api.ts";
import { systemClock } from "../../../platform/clock.ts";
import { runner } from "../../../platform/run.ts";
import { trestle, typeTrestle } from "./typed.ts";
import type { Typed } from "./typed.ts";

/** Bringing a lab up is slow on a busy machine with two cores. */
export const LAB_LIMIT_MS = 120_000;
/** A gateway and a plain node on one side, a lone gateway on the other. */
export const TWO_CLUSTERS = path.join(import.meta.dirname, "..", "two-clusters.yaml");
export const THREE_CLUSTERS = path.join(import.meta.dirname, "..", "..", "..", "lab", "three-clusters.yaml");

/** A lab of a test's own, worked by the commands its user would type and watched from inside its namespaces. */
export interface TestLab {
  readonly lab: Lab;
  readonly name: string;
  /** `trestle lab up`, with whatever follows it. */
  up(...words: readonly string[]): Promise<string>;
  /** `trestle lab VERB … --name LAB` @returns what it printed */
  do(...words: readonly string[]): Promise<string>;
  /** A command against the lab's hub, or `at` a cluster's own store. @returns what it printed */
  ask(...words: readonly string[]): Promise<string>;
  at(cluster: string, ...words: readonly string[]): Promise<string>;
  /** The same, for commands that may fail. */
  tryAsk(...words: readonly string[]): Promise<Typed>;
  status(): Promise<StatusAnswer>;
  /** `hub`, `CLUSTER/NODE` or `CLUSTER/POD` */
  place(name: string): Place;
  /** The site's LAN: its `uplink` sees all that leaves for the WAN. */
  lan(cluster: string): Place;
  site(cluster: string): Site;
  /** Every node, as `CLUSTER/NODE`. */
  nodes(): string[];
  /** First address of a pod. */
  pod(name: string): string;
  down(): Promise<void>;
}

/** A lab with a name that nobody else on this machine uses; nothing is made yet. */
export function newTestLab(): TestLab {
  const name = `e2e${randomBytes(4).toString("hex")}`;
  const lab = openLab(name, systemClock);
  const layout = () => layoutOf(name, stateOf(lab).file);
  const ask = (...words: readonly string[]): Promise<string> => trestle(`--lab=${name}/hub`, ...words);
  return {
    lab,
    name,
    ask,
    up: (...words) => trestle("lab", "up", ...words, "--name", name),
    do: (...words) => trestle("lab", ...words, "--name", name),
    at: (cluster, ...words) => trestle(`--lab=${name}/${cluster}`, ...words),
    tryAsk: (...words) => typeTrestle(`--lab=${name}/hub`, ...words),
    status: async () => statusAnswer.parse(JSON.parse(await ask("status", "--output", "json"))),
    place: (where) => findPlace(lab, stateOf(lab), where),
    lan: (cluster) => inNetns(requireSite(layout(), cluster).netns),
    site: (cluster) => requireSite(layout(), cluster),
    nodes: () => layout().sites.flatMap(({ cluster, nodes }) => nodes.map((node) => `${cluster}/${node.name}`)),
    pod: (where) => {
      const found = stateOf(lab).pods.find((pod) => `${pod.cluster}/${pod.name}` === where)?.addresses[0];
      if (found === undefined) throw new Error(`there is no pod ${where}`);
      return found;
    },
    down: async () => void (await takeDown(lab, runner(), new AbortController().signal)),
  };
}
