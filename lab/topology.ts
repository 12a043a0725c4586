import type { Layout, NodePlace, Site, Uplink } from "./layout.ts";

/** The lines of one `ip -batch` in one network namespace. */
export interface Batch {
  readonly netns: string;
  readonly lines: readonly string[];
}

/** How a lab's net comes about: the steps in their order, those within one free to run at once. */
export interface TopologyPlan {
  readonly namespaces: readonly string[];
  /** Devices, addresses and routes of whoever has an end of a cable in somebody else's namespace. */
  readonly links: readonly Batch[];
  /** The other ends of those cables. */
  readonly ports: readonly Batch[];
  readonly sysctls: readonly { readonly netns: string; readonly settings: readonly string[] }[];
}

/** Written on the loopback device of each namespace of a lab: says whose it is when all records are lost. */
export function ownerMark(lab: string): string {
  return `trestle-lab:${lab}`;
}

/**
 * The net of a whole lab. It sets what a machine and its LAN have by themselves; forwarding and the rest on nodes is
 * the agent's to do. Pure.
 */
export function planTopology(layout: Layout): TopologyPlan {
  const { lab, wan, hub, sites } = layout;
  const nodes = sites.flatMap((site) => site.nodes.map((node) => ({ site, node })));
  const mark = `link set lo alias ${ownerMark(lab)}`;
  return {
    namespaces: [wan.netns, hub.netns, ...sites.map(({ netns }) => netns), ...nodes.map(({ node }) => node.netns)],
    links: [
      { netns: wan.netns, lines: [mark, "link set lo up"] },
      { netns: hub.netns, lines: [mark, ...machineLines(hub, hub.address, `${hub.wanDevice} netns ${wan.netns}`)] },
      ...sites.map((site) => ({ netns: site.netns, lines: [mark, ...lanLines(site, wan.netns)] })),
      ...nodes.map(({ site, node }) => ({
        netns: node.netns,
        lines: [mark, ...machineLines(site, node.address, `${node.port} netns ${site.netns}`)],
      })),
    ],
    ports: [
      { netns: wan.netns, lines: [hub, ...sites].flatMap(routerLines) },
      ...sites.map(({ netns, nodes: plugged }) => ({ netns, lines: plugged.flatMap(portLines) })),
    ],
    sysctls: [
      { netns: wan.netns, settings: ["net.ipv4.ip_forward=1"] },
      ...nodes.map(({ node }) => ({
        netns: node.netns,
        settings: [`net.ipv4.fib_multipath_hash_seed=${node.hashSeed}`],
      })),
    ],
  };
}

function machineLines(net: Uplink, address: string, peer: string): string[] {
  return [
    "link set lo up",
    `link add eth0 mtu ${net.mtu} type veth peer name ${peer} mtu ${net.mtu}`,
    `address add ${address}/${net.prefixLength} dev eth0`,
    "link set eth0 up",
    `route add default via ${net.router}`,
  ];
}

function lanLines(site: Site, wanNetns: string): string[] {
  return [
    "link set lo up",
    "link add br0 type bridge",
    `link add uplink mtu ${site.mtu} type veth peer name ${site.wanDevice} netns ${wanNetns} mtu ${site.mtu}`,
    "link set uplink master br0",
    "link set uplink up",
    "link set br0 up",
  ];
}

function routerLines({ wanDevice, router, prefixLength }: Uplink): string[] {
  return [`address add ${router}/${prefixLength} dev ${wanDevice}`, `link set ${wanDevice} up`];
}

function portLines({ port }: NodePlace): string[] {
  return [`link set ${port} master br0`, `link set ${port} up`];
}
