import type { Command } from "commander";
import type { Shell } from "./shell.ts";

/** One word after `trestle`: its module is loaded only when it is the word, so that simple commands start fast. */
export interface CatalogueEntry {
  readonly name: string;
  readonly summary: string;
  readonly group: string;
  load(): Promise<(shell: Shell) => Command>;
}

const MESH = "The mesh:";
const CLUSTER = "This cluster:";
const DAEMONS = "Processes:";
const ANY = "Any resource:";
const LAB = "On this machine:";
const THIS = "This command:";

/** Made by the completion library out of the finished tree (`completion.ts`), and so no module of ours. */
export const completionEntry = {
  name: "completion",
  summary: "Completion for bash, zsh or fish",
  group: THIS,
} as const;

/** Every command there is, in the order `trestle --help` shows them. */
export const catalogue: readonly CatalogueEntry[] = [
  {
    name: "status",
    summary: "What the mesh looks like now: clusters, and every pair of them",
    group: MESH,
    load: async () => (await import("./commands/status.ts")).statusCommand,
  },
  {
    name: "trace",
    summary: "Follow a packet from A to B, hop by hop, to what stops it",
    group: MESH,
    load: async () => (await import("./commands/trace.ts")).traceCommand,
  },
  {
    name: "cluster",
    summary: "Clusters that joined: list, show, delete",
    group: MESH,
    load: async () => (await import("./commands/cluster.ts")).clusterCommand,
  },
  {
    name: "link",
    summary: "Who may talk to whom: create, change, list, show, delete",
    group: MESH,
    load: async () => (await import("./commands/link.ts")).linkCommand,
  },
  {
    name: "pool",
    summary: "CIDRs the hub hands out to clusters: create, list, show, delete",
    group: MESH,
    load: async () => (await import("./commands/pool.ts")).poolCommand,
  },
  {
    name: "token",
    summary: "Join tokens: create, list, revoke",
    group: MESH,
    load: async () => (await import("./commands/token.ts")).tokenCommand,
  },
  {
    name: "join",
    summary: "Join this cluster to a mesh, by a token",
    group: CLUSTER,
    load: async () => (await import("./commands/join.ts")).joinCommand,
  },
  {
    name: "leave",
    summary: "Take this cluster out of its mesh, and everything off its machines",
    group: CLUSTER,
    load: async () => (await import("./commands/leave.ts")).leaveCommand,
  },
  {
    name: "network",
    summary: "Where pods have addresses from: create, set-default, update, list, show, delete",
    group: CLUSTER,
    load: async () => (await import("./commands/network.ts")).networkCommand,
  },
  {
    name: "subnet",
    summary: "Ranges of Networks: create, update, disable, enable, list, show, delete",
    group: CLUSTER,
    load: async () => (await import("./commands/subnet.ts")).subnetCommand,
  },
  {
    name: "ip",
    summary: "Addresses in use, and kept for pods to come: create, list, show, delete",
    group: CLUSTER,
    load: async () => (await import("./commands/ip.ts")).ipCommand,
  },
  {
    name: "block",
    summary: "Which node issues which addresses: list, show",
    group: CLUSTER,
    load: async () => (await import("./commands/block.ts")).blockCommand,
  },
  {
    name: "hub",
    summary: "Run a hub",
    group: DAEMONS,
    load: async () => (await import("./commands/hub.ts")).hubCommand,
  },
  {
    name: "store",
    summary: "Serve a cluster's own store, where there is no Kubernetes",
    group: DAEMONS,
    load: async () => (await import("./commands/store.ts")).storeCommand,
  },
  {
    name: "agent",
    summary: "Run the agent of one node",
    group: DAEMONS,
    load: async () => (await import("./commands/agent.ts")).agentCommand,
  },
  {
    name: "get",
    summary: "List resources of a kind, or get one",
    group: ANY,
    load: async () => (await import("./commands/get.ts")).getCommand,
  },
  {
    name: "apply",
    summary: "Create or update resources from YAML",
    group: ANY,
    load: async () => (await import("./commands/apply.ts")).applyCommand,
  },
  {
    name: "delete",
    summary: "Delete one resource",
    group: ANY,
    load: async () => (await import("./commands/delete.ts")).deleteCommand,
  },
  {
    name: "lab",
    summary: "Clusters out of network namespaces, to try things in",
    group: LAB,
    load: async () => (await import("./commands/lab.ts")).labCommand,
  },
  {
    name: "context",
    summary: "Hubs this command knows: list, show, use, import",
    group: THIS,
    load: async () => (await import("./commands/context.ts")).contextCommand,
  },
];
