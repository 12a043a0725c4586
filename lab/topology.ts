import { familyOf, parseCidr } from "../mesh/cidr.ts";
import { routerOf, withLength } from "./addressing.ts";
import type { Attachment } from "./addressing.ts";
import type { Layout, NodePlace, Site } from "./layout.ts";

/** The lines of one `ip -batch` in one network namespace. */
export interface Batch {
  readonly netns: string;
  readonly lines: readonly string[];
}

/** A text for `nft -f -` in one network namespace. */
export interface Ruleset {
  readonly netns: string;
  readonly text: string;
}

/** What is done to a net that is there: first `links`, then `rulesets`. */
export interface NetChange {
  readonly links: readonly Batch[];
  readonly rulesets: readonly Ruleset[];
}

/** How a lab's net comes about: the steps in their order, those within one free to run at once. */
export interface TopologyPlan extends NetChange {
  readonly namespaces: readonly string[];
  readonly sysctls: readonly { readonly netns: string; readonly settings: readonly string[] }[];
  /** Devices, addresses and routes of whoever has an end of a cable in somebody else's namespace. */
  readonly links: readonly Batch[];
  /** The other ends of those cables. */
  readonly ports: readonly Batch[];
}

/** A site's router, towards the WAN: what leaves the site does so here. */
export const UPLINK = "uplink";

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
  const own = [`link set lo alias ${ownerMark(lab)}`, "link set lo up"];
  return {
    namespaces: [wan.netns, hub.netns, ...sites.map(({ netns }) => netns), ...nodes.map(({ node }) => node.netns)],
    sysctls: [
      ...[wan, ...sites].map(({ netns }) => ({ netns, settings: ROUTER_SETTINGS })),
      ...nodes.map(({ node }) => ({
        netns: node.netns,
        settings: [`net.ipv4.fib_multipath_hash_seed=${node.hashSeed}`],
      })),
    ],
    links: [
      { netns: wan.netns, lines: own },
      { netns: hub.netns, lines: [...own, ...machineLines(hub, `${hub.wanDevice} netns ${wan.netns}`)] },
      ...sites.map((site) => ({ netns: site.netns, lines: [...own, ...siteRouterLines(site, wan.netns)] })),
      ...nodes.map(({ site, node }) => ({
        netns: node.netns,
        lines: [...own, ...machineLines({ ...node, mtu: site.mtu }, `${node.port} netns ${site.netns}`)],
      })),
    ],
    ports: [
      { netns: wan.netns, lines: [...wanPortLines(hub.wanDevice, hub.attachments), ...sites.flatMap(wanSiteLines)] },
      ...sites.map(({ netns, nodes: plugged }) => ({ netns, lines: plugged.flatMap(portLines) })),
    ],
    rulesets: sites.filter(({ nat }) => nat).map(({ netns }) => ({ netns, text: MASQUERADE })),
  };
}

/** Forwarding; and no waiting for duplicate addresses, which keeps a router from asking for its neighbours for 2 s. */
const ROUTER_SETTINGS = [
  "net.ipv4.ip_forward=1",
  "net.ipv6.conf.all.forwarding=1",
  "net.ipv6.conf.all.accept_dad=0",
  "net.ipv6.conf.default.accept_dad=0",
];

/** Source ports change too: what relies on them staying would work here and fail behind many a real router. */
const MASQUERADE = `table inet lab {
  chain postrouting {
    type nat hook postrouting priority srcnat; policy accept;
    oifname "${UPLINK}" masquerade fully-random
  }
}
`;

function machineLines(
  { attachments, mtu }: { readonly attachments: readonly Attachment[]; readonly mtu: number },
  peer: string,
): string[] {
  return [
    `link add eth0 mtu ${mtu} type veth peer name ${peer} mtu ${mtu}`,
    "link set eth0 up",
    ...attachmentLines("eth0", attachments),
  ];
}

function siteRouterLines(site: Site, wanNetns: string): string[] {
  return [
    ...site.lans.flatMap(({ bridge, cidrs }) => [
      `link add ${bridge} mtu ${site.mtu} type bridge`,
      `link set ${bridge} up`,
      ...cidrs.map((cidr) => addressLine(bridge, `${routerOf(cidr)}/${parseCidr(cidr).length}`)),
    ]),
    `link add ${UPLINK} mtu ${site.mtu} type veth peer name ${site.wanDevice} netns ${wanNetns} mtu ${site.mtu}`,
    ...uplinkLines(site),
  ];
}

/** Makes a site's uplink whole, also after it was down: the kernel then drops its routes, and of IPv6 the addresses. */
export function uplinkLines({ uplink }: Site): string[] {
  return [`link set ${UPLINK} up`, ...attachmentLines(UPLINK, uplink)];
}

/** The WAN's side of a site: it knows the way to the site's LANs, unless they are hidden behind the router's address. */
function wanSiteLines({ wanDevice, uplink, lans, nat }: Site): string[] {
  const ranges = nat ? [] : lans.flatMap(({ cidrs }) => cidrs);
  return [
    ...wanPortLines(wanDevice, uplink),
    ...ranges.flatMap((cidr) =>
      uplink
        .filter(({ family }) => family === familyOf(cidr))
        .map(({ address }) => `route add ${cidr} via ${address} dev ${wanDevice}`),
    ),
  ];
}

function wanPortLines(device: string, attachments: readonly Attachment[]): string[] {
  return [
    `link set ${device} up`,
    ...attachments.map(({ router, prefixLength }) => addressLine(device, `${router}/${prefixLength}`)),
  ];
}

function attachmentLines(device: string, attachments: readonly Attachment[]): string[] {
  return attachments.flatMap((attachment) => [
    addressLine(device, withLength(attachment)),
    `route replace default via ${attachment.router} dev ${device}`,
  ]);
}

/** nodad: duplicate address detection would keep an IPv6 address unusable for 2 s, and nobody else has it. */
function addressLine(device: string, address: string): string {
  return `address replace ${address} dev ${device}${familyOf(address) === 6 ? " nodad" : ""}`;
}

function portLines({ port, bridge }: NodePlace): string[] {
  return [`link set ${port} master ${bridge}`, `link set ${port} up`];
}
