import { formatAddress, nthAddress, parseCidr } from "../mesh/cidr.ts";
import type { LabFile } from "./file.ts";

/**
 * Where everything of a lab is: its network namespaces and addresses, all made from the lab's name and file. A LAN's
 * first address is its router's, number 10 and on are its nodes'. Each namespace's name starts with the lab's.
 */

/** Where the hub lives, out of RFC 5737's documentation ranges: to the clusters it is "somewhere on the internet". */
export const HUB_LAN = "198.51.100.0/24";
const ROUTER = 1;
/** Place of the first node's address in its LAN. */
export const FIRST_NODE = 10;
/** The pipe between the WAN and a site or the hub. */
const WAN_MTU = 1500;

export interface Layout {
  readonly lab: string;
  readonly wan: { readonly netns: string };
  readonly hub: Uplink & { readonly netns: string; readonly address: string };
  readonly sites: readonly Site[];
}

/** A net behind the WAN's router. */
export interface Uplink {
  /** The WAN's device towards it. */
  readonly wanDevice: string;
  readonly router: string;
  readonly prefixLength: number;
  readonly mtu: number;
}

export interface Site extends Uplink {
  readonly cluster: string;
  /** Holds the LAN's bridge. */
  readonly netns: string;
  readonly lan: string;
  readonly nodes: readonly NodePlace[];
}

export interface NodePlace {
  readonly cluster: string;
  readonly name: string;
  readonly netns: string;
  readonly address: string;
  readonly gateway: boolean;
  /** Its port on the LAN's bridge. */
  readonly port: string;
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
      address: nth(HUB_LAN, FIRST_NODE),
      wanDevice: "hub",
      router: nth(HUB_LAN, ROUTER),
      prefixLength: 24,
      mtu: WAN_MTU,
    },
    sites: file.clusters.map(({ name, lan, mtu, nodes }, at) => ({
      cluster: name,
      netns: lanNetns(lab, name),
      lan,
      wanDevice: `site${at + 1}`,
      router: nth(lan, ROUTER),
      prefixLength: parseCidr(lan).length,
      mtu,
      nodes: nodes.map((node, index) => ({
        cluster: name,
        name: node.name,
        netns: nodeNetns(lab, name, node.name),
        address: nth(lan, FIRST_NODE + index),
        gateway: node.gateway,
        port: `port${index + 1}`,
        hashSeed: 1 + at * 1000 + index,
      })),
    })),
  };
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

function nth(cidr: string, n: number): string {
  return formatAddress(nthAddress(parseCidr(cidr), n));
}
