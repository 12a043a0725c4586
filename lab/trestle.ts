import path from "node:path";
import { statusAnswer } from "../crds/wire/hub-api.ts";
import type { StatusAnswer } from "../crds/wire/hub-api.ts";
import type { Layout, NodePlace, Site } from "./layout.ts";
import { firstGateway, inNetns, onNode } from "./place.ts";
import type { Lab, LabState } from "./state.ts";

/** The ordinary command, as a user of the lab would type it: but for pods (change-pods.ts) the lab has no other way into what it runs. */
export const TRESTLE = path.join(import.meta.dirname, "..", "bin", "trestle");
/** A command that waits for NATS on a busy machine needs patience. */
const LIMIT_MS = 60_000;

/** The hub's state folder. */
export function hubFolder(lab: Lab): string {
  return path.join(lab.dir, "hub");
}
/** Written by the hub: how an administrator reaches it. */
export function contextFile(lab: Lab): string {
  return path.join(hubFolder(lab), "context.yaml");
}
/** State folder of a cluster's own store. */
export function storeFolder(lab: Lab, cluster: string): string {
  return path.join(lab.dir, "clusters", cluster, "store");
}
/** Written by the store: how agents reach it. */
export function storeFile(lab: Lab, cluster: string): string {
  return path.join(storeFolder(lab, cluster), "store.yaml");
}
/** State folder of a node's agent. */
export function agentFolder(lab: Lab, { cluster, name }: NodePlace): string {
  return path.join(lab.dir, "clusters", cluster, "nodes", name);
}

/** Where a node's agent tells its container runtime of the plugin, see cni.dev's conflists; /etc/cni/net.d of a real machine. */
export function cniFolder(lab: Lab, { cluster, name }: NodePlace): string {
  return path.join(lab.dir, "clusters", cluster, "cni", name);
}

/** Words before a `trestle` command line so that it runs beside the lab's hub and talks to it. */
export function atHub(
  lab: Lab,
  layout: Layout,
): { readonly prefix: readonly string[]; readonly options: readonly string[] } {
  return { prefix: inNetns(layout.hub.netns).prefix, options: ["--context", contextFile(lab)] };
}

/** Likewise for a cluster's own store, from its first gateway. */
export function atStore(
  lab: Lab,
  state: LabState,
  site: Site,
): { readonly prefix: readonly string[]; readonly options: readonly string[] } {
  return { prefix: onNode(state, firstGateway(site)).prefix, options: ["--store", storeFile(lab, site.cluster)] };
}

/** Runs a command against the lab's hub. @throws MeshError as the runner does */
export function askHub(lab: Lab, layout: Layout, words: readonly string[], signal: AbortSignal): Promise<string> {
  const { options } = atHub(lab, layout);
  return inNetns(layout.hub.netns).run(TRESTLE, [...words, ...options], { signal, limitMs: LIMIT_MS });
}

/** Runs a command on a cluster's first gateway. @throws MeshError as the runner does */
export function askCluster(
  lab: Lab,
  state: LabState,
  site: Site,
  words: readonly string[],
  signal: AbortSignal,
): Promise<string> {
  const { options } = atStore(lab, state, site);
  return onNode(state, firstGateway(site)).run(TRESTLE, [...words, ...options], { signal, limitMs: LIMIT_MS });
}

/** What the hub says of all clusters and pairs. */
export async function hubStatus(lab: Lab, layout: Layout, signal: AbortSignal): Promise<StatusAnswer> {
  return statusAnswer.parse(JSON.parse(await askHub(lab, layout, ["status", "--output", "json"], signal)));
}
