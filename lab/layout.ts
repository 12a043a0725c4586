import { familyOf } from "../mesh/cidr.ts";
import type { Family } from "../mesh/resources.ts";
import { attachmentTo, FIRST_MACHINE, HUB_NETS, uplinkOf } from "./addressing.ts";
import type { Attachment } from "./addressing.ts";
import type { LabCluster, LabFile, LabNode } from "./file.ts";

/**
 * Where everything of a lab is: its network namespaces and addresses, all made from the lab's name and file. A LAN's
 * first address is its router's, number 10 and on are its nodes'. Each namespace's name starts with the lab's.
 */

/** What people call a site's router: `CLUSTER/router`. */
export const ROUTER_PLACE = "router";

/** Bytes: the pipe between the WAN and the hub. */
const HUB_MTU = 1500;

export interface Layout {
  readonly lab: string;
  readonly wan: { readonly netns: string };
  readonly hub: HubPlace;
  readonly sites: readonly Site[];
}

export interface HubPlace {
  readonly netns: string;
  /** The WAN's device towards it. */
  readonly wanDevice: string;
  readonly mtu: number;
  readonly attachments: readonly Attachment[];
}

/** The machines of one cluster, and the router between them and the WAN. */
export interface Site {
  readonly cluster: string;
  /** The router's: holds the bridges of the LANs, and `uplink`, by which alone packets leave the site. */
  readonly netns: string;
  /** The WAN's device towards it. */
  readonly wanDevice: string;
  /** Bytes, of LANs and uplink. */
  readonly mtu: number;
  /** The router masquerades: the WAN knows its uplink's addresses and nothing behind them. */
  readonly nat: boolean;
  /** Of the router, to the WAN. */
  readonly uplink: readonly Attachment[];
  readonly lans: readonly Lan[];
  readonly nodes: readonly NodePlace[];
  /** Families of its pods. */
  readonly families: readonly Family[];
  /** The one by which all its machines reach the cluster's store. */
  readonly storeFamily: Family | undefined;
}

export interface Lan {
  readonly bridge: string;
  /** One range a family. */
  readonly cidrs: readonly string[];
}

export interface NodePlace {
  readonly cluster: string;
  readonly name: string;
  readonly netns: string;
  /** To its LAN, one a family. */
  readonly attachments: readonly Attachment[];
  readonly gateway: boolean;
  readonly behindNAT: boolean;
  /** What it shall tell others to dial; empty: its LAN addresses. */
  readonly endpoints: readonly string[];
  /** As `tcp/80`. */
  readonly openPorts: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  /** Its port on the LAN's bridge. */
  readonly port: string;
  readonly bridge: string;
  /** Routers of one kernel share one hash seed, unlike real machines: with it half the tunnels idle. From 1. */
  readonly hashSeed: number;
}

/** Where everything of the lab named `lab` is. Pure. */
export function layoutOf(lab: string, file: LabFile): Layout {
  return {
    lab,
    wan: { netns: `${lab}-wan` },
    hub: {
      netns: `${lab}-hub`,
      wanDevice: "hub",
      mtu: HUB_MTU,
      attachments: HUB_NETS.map((net) => attachmentTo(net, FIRST_MACHINE)),
    },
    sites: file.clusters.map((cluster, at) => siteOf(lab, cluster, at)),
  };
}

function siteOf(lab: string, cluster: LabCluster, at: number): Site {
  const { name, mtu, nat, families } = cluster;
  return {
    cluster: name,
    netns: lanNetns(lab, name),
    wanDevice: `site${at + 1}`,
    mtu,
    nat,
    uplink: uplinkOf(at),
    lans: lansOf(cluster),
    families,
    storeFamily: storeFamilies(cluster)[0],
    nodes: cluster.nodes.map((node, index) => ({
      cluster: name,
      name: node.name,
      netns: nodeNetns(lab, name, node.name),
      attachments: attachmentsOf(cluster, node),
      gateway: node.gateway,
      behindNAT: nat,
      endpoints: node.endpoint,
      openPorts: node.openPorts,
      labels: node.labels,
      port: `port${index + 1}`,
      bridge: bridgeOf(cluster, node),
      hashSeed: 1 + at * 1000 + index,
    })),
  };
}

function attachmentsOf(cluster: LabCluster, node: LabNode): Attachment[] {
  const cidrs = node.lan ?? cluster.lan;
  const place = nodesOn(cluster, cidrs).indexOf(node);
  return cidrs.map((cidr) => attachmentTo(cidr, FIRST_MACHINE + place));
}

function bridgeOf(cluster: LabCluster, { lan = cluster.lan }: LabNode): string {
  return lansOf(cluster).find(({ cidrs }) => isSameLan(cidrs, lan))?.bridge ?? "";
}

/** The LANs of a cluster's site, each once: the cluster's own is the first. */
export function lansOf({ lan, nodes }: LabCluster): Lan[] {
  const all = [lan, ...nodes.flatMap((node) => (node.lan ? [node.lan] : []))];
  return all
    .filter((cidrs, at) => all.findIndex((other) => isSameLan(other, cidrs)) === at)
    .map((cidrs, at) => ({ bridge: `br${at}`, cidrs }));
}

/** A cluster's nodes that are on the LAN with these ranges, in the order of the file. */
export function nodesOn({ lan, nodes }: LabCluster, cidrs: readonly string[]): LabNode[] {
  return nodes.filter((node) => isSameLan(node.lan ?? lan, cidrs));
}

/** Families that all machines of a cluster can reach its first gateway by, where its store is. */
export function storeFamilies({ lan, nodes }: LabCluster): Family[] {
  return ([4, 6] as const).filter((family) =>
    nodes.every((node) => (node.lan ?? lan).some((cidr) => familyOf(cidr) === family)),
  );
}

function isSameLan(a: readonly string[], b: readonly string[]): boolean {
  return a.join() === b.join();
}

/** Every network namespace a lab file asks for, with the key it comes from and a name for people. */
export function netnsNames(
  lab: string,
  file: LabFile,
): { netns: string; path: readonly (string | number)[]; what: string }[] {
  return [
    { netns: `${lab}-wan`, path: [], what: "the WAN" },
    { netns: `${lab}-hub`, path: ["hub"], what: "the hub" },
    ...file.clusters.flatMap(({ name: cluster, nodes, pods }, at) => [
      { netns: lanNetns(lab, cluster), path: ["clusters", at, "name"], what: `the LAN of ${cluster}` },
      ...nodes.map(({ name }, index) => ({
        netns: nodeNetns(lab, cluster, name),
        path: ["clusters", at, "nodes", index, "name"],
        what: `node ${cluster}/${name}`,
      })),
      ...pods.map(({ name }, index) => ({
        netns: podNetns(lab, cluster, name),
        path: ["clusters", at, "pods", index, "name"],
        what: `pod ${cluster}/${name}`,
      })),
    ]),
  ];
}

/** Network namespace of a pod. */
export function podNetns(lab: string, cluster: string, pod: string): string {
  return `${lab}-${cluster}-pod-${pod}`;
}

function lanNetns(lab: string, cluster: string): string {
  return `${lab}-${cluster}-lan`;
}

function nodeNetns(lab: string, cluster: string, node: string): string {
  return `${lab}-${cluster}-${node}`;
}
