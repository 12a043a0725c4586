import { existsSync } from "node:fs";
import { MeshError } from "../platform/errors.ts";
import { runner } from "../platform/run.ts";
import type { Run } from "../platform/run.ts";
import { layoutOf, podNetns, ROUTER_PLACE } from "./layout.ts";
import type { Layout, NodePlace, Site } from "./layout.ts";
import { netnsPath } from "./netns.ts";
import type { Lab, LabState } from "./state.ts";

/** Somewhere in a lab that a program can run. */
export interface Place {
  readonly netns: string;
  /** Start a program there by putting these words before it. */
  readonly prefix: readonly string[];
  readonly run: Run;
}

/**
 * The place people call `hub`, `wan`, `CLUSTER/NODE`, `CLUSTER/router` or `CLUSTER/POD`. Pure but for a look whether it is there.
 * @throws MeshError `no-place` that says which there are, or `place-gone`
 */
export function findPlace(lab: Lab, state: LabState, name: string): Place {
  const layout = layoutOf(lab.name, state.file);
  if (name === "hub" || name === "wan") return inNetns(layout[name].netns);
  const [cluster, inner, ...rest] = name.split("/");
  const exact = rest.length === 0;
  const site = findSite(layout, cluster);
  if (exact && site !== undefined && inner === ROUTER_PLACE) return inNetns(site.netns);
  const node = site?.nodes.find((candidate) => candidate.name === inner);
  if (exact && node !== undefined) return onNode(state, node);
  const pod = state.pods.find((candidate) => candidate.cluster === cluster && candidate.name === inner);
  if (exact && pod !== undefined) return inNetns(podNetns(lab.name, pod.cluster, pod.name));
  throw new MeshError(
    "no-place",
    `${name} is no place of lab ${lab.name}; there are ${placeNames(layout, state).join(", ")}`,
    { retry: false },
  );
}

/** On a node: its network, and its files as it sees them. @throws MeshError `place-gone` */
export function onNode(state: LabState, node: NodePlace): Place {
  const holder = state.processes[holderKey(node)];
  return enter(node.netns, holder === undefined ? [] : [`--mount=/proc/${holder.pid}/ns/mnt`]);
}

/** Key of the process that keeps a node's mount namespace. */
export function holderKey({ cluster, name }: NodePlace): string {
  return `holder:${cluster}/${name}`;
}

/** The node where a cluster's store runs and where it is joined: its first gateway. */
export function firstGateway(site: Site): NodePlace {
  const node = site.nodes.find(({ gateway }) => gateway);
  if (node === undefined) throw new Error(`cluster ${site.cluster} has no gateway; the lab file's schema demands one`);
  return node;
}

/** @throws MeshError `no-cluster` */
export function requireSite(layout: Layout, cluster: string): Site {
  const site = findSite(layout, cluster);
  if (site !== undefined) return site;
  const known = layout.sites.map((other) => other.cluster).join(", ");
  throw new MeshError("no-cluster", `lab ${layout.lab} has no cluster ${cluster}; it has ${known}`, { retry: false });
}

/** @throws MeshError `no-cluster`, `no-node` */
export function requireNode(layout: Layout, cluster: string, name: string): NodePlace {
  const { nodes } = requireSite(layout, cluster);
  const node = nodes.find((candidate) => candidate.name === name);
  if (node !== undefined) return node;
  throw new MeshError(
    "no-node",
    `cluster ${cluster} has no node ${name}; it has ${nodes.map((other) => other.name).join(", ")}`,
    { retry: false },
  );
}

function findSite(layout: Layout, cluster: string | undefined): Site | undefined {
  return layout.sites.find((site) => site.cluster === cluster);
}

/** In a network namespace, with this machine's own files. */
export function inNetns(netns: string): Place {
  return enter(netns, []);
}

function enter(netns: string, mount: readonly string[]): Place {
  if (!existsSync(netnsPath(netns))) {
    throw new MeshError(
      "place-gone",
      `the network namespace ${netns} is not there; trestle lab up makes what is missing`,
      { retry: false },
    );
  }
  const prefix = ["nsenter", ...mount, `--net=${netnsPath(netns)}`, "--"];
  return { netns, prefix, run: runner(prefix) };
}

function placeNames({ sites }: Layout, { pods }: LabState): string[] {
  const nodes = sites.flatMap((site) =>
    [...site.nodes.map(({ name }) => name), ROUTER_PLACE].map((name) => `${site.cluster}/${name}`),
  );
  return ["hub", "wan", ...nodes, ...pods.map(({ cluster, name }) => `${cluster}/${name}`)];
}
