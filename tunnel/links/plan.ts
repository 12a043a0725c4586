import { DEVICE_ALIAS, MESH_DEVICE } from "../marks.ts";
import type { DataPath } from "../state.ts";
import type { Link } from "./observe.ts";
import type { VxlanSettings } from "./vxlan.ts";
import { VXLAN_NAMES, isAnother, settingsDifferences } from "./vxlan.ts";

/** A device of ours that shall be there, up and marked. */
export type WantedLink =
  /** MTU in bytes; absent: as it comes. */
  | { readonly name: string; readonly role: "tunnel" | "mesh"; readonly mtu?: number | undefined }
  | { readonly name: string; readonly role: "vxlan"; readonly mtu: number; readonly vxlan: WantedVxlan };

/** What makes a VXLAN device the one that is wanted, besides its name and MTU. */
export interface WantedVxlan extends VxlanSettings {
  readonly mac: string;
}

export type LinkStep =
  | { readonly op: "create"; readonly name: string; readonly role: "tunnel" | "mesh" }
  | { readonly op: "create"; readonly name: string; readonly role: "vxlan"; readonly vxlan: WantedVxlan }
  | { readonly op: "set"; readonly name: string; readonly args: readonly string[] }
  /** An address of scope host. */
  | { readonly op: "address"; readonly name: string; readonly address: string }
  /** The name is taken by a device that can't be ours: it is left alone and reported. */
  | { readonly op: "refuse"; readonly name: string; readonly kind: string }
  | { readonly op: "delete"; readonly name: string };

/** What a device of each role is in `ip -d link`: the kernel's own, or what stands in for it where the kernel has none. */
const KINDS = { tunnel: ["wireguard", "tun"], mesh: ["dummy", "bridge"], vxlan: ["vxlan"] } as const;

/** `trs<own rank>-<remote rank>`: the only names, besides MESH_DEVICE and VXLAN_NAMES, that this plan may delete. */
export const TUNNEL_NAME = /^trs\d+-\d+$/;

/**
 * All neighbours of a VXLAN device are written down. With ARP a far end could add itself to them, and a next hop that
 * is missing would be asked for for ever. Without, such a next hop gets the device's own MAC address, which has no
 * endpoint, so its packets are dropped (arp_constructor in net/ipv4/arp.c, ndisc_constructor likewise; seen on 6.18).
 */
const NO_ARP = ["arp", "off"] as const;

/**
 * What every tunnel has for an address, so that rp_filter=2 is loose on it. On a device without any IPv4 address the
 * kernel takes 2 for 1 and drops what comes in while the way back leads out of another device, as it does when a
 * gateway is drained or a link changes its kind (no_addr in __fib_validate_source, net/ipv4/fib_frontend.c; seen on
 * 6.18). Of scope host it is nobody's source, and many devices may have it.
 */
const LOOSE = "169.254.1.1/32";

/** The devices a data path stands on. */
export function wantedLinks(want: DataPath): WantedLink[] {
  const tunnels = want.wireGuard.map(({ name, mtu }) => ({ name, role: "tunnel", mtu }) as const);
  const vxlan = want.vxlan.map(({ name, mtu, vni, port, local, mac }) => {
    return { name, role: "vxlan", mtu, vxlan: { vni, port, local, mac } } as const;
  });
  const mesh = { name: MESH_DEVICE, role: "mesh" } as const;
  return [...tunnels, ...vxlan, ...(want.meshAddresses.length === 0 ? [] : [mesh])];
}

/** Steps to make devices and set them right; then those to delete, which come last of all in a sync. */
export function planLinks(want: readonly WantedLink[], have: readonly Link[]): { put: LinkStep[]; remove: LinkStep[] } {
  const present = new Map(have.map((link) => [link.name, link]));
  const wanted = new Set(want.map((link) => link.name));
  return {
    put: want.flatMap((link) => putSteps(link, present.get(link.name))),
    remove: have.filter((link) => isOurs(link) && !wanted.has(link.name)).map(({ name }) => ({ op: "delete", name })),
  };
}

/** Made by us, and so ours to delete: both the name and the alias say so. */
export function isOurs({ name, alias }: Link): boolean {
  return alias === DEVICE_ALIAS && (TUNNEL_NAME.test(name) || name === MESH_DEVICE || VXLAN_NAMES.has(name));
}

function putSteps(want: WantedLink, have: Link | undefined): LinkStep[] {
  const { name } = want;
  const kinds: readonly string[] = KINDS[want.role];
  if (have === undefined) {
    return createSteps(want);
  }
  if (!kinds.includes(have.kind ?? "")) {
    return [{ op: "refuse", name, kind: have.kind ?? "hardware" }];
  }
  if (want.role === "vxlan" && have.vxlan !== undefined && isAnother(want.vxlan, have.vxlan)) {
    // The nexthops that lead out of it go with it, and their groups and routes; those parts have their turn after this.
    return isOurs(have) ? [{ op: "delete", name }, ...createSteps(want)] : [{ op: "refuse", name, kind: "vxlan" }];
  }
  const settings = differences(want, have).filter((args) => args.length > 0);
  const isLoose = want.role === "mesh" || have.hostAddresses.includes(LOOSE);
  return [
    ...settings.map((args) => ({ op: "set", name, args }) as const),
    ...(isLoose ? [] : [{ op: "address", name, address: LOOSE } as const]),
  ];
}

function createSteps(want: WantedLink): LinkStep[] {
  const { name, mtu } = want;
  return [
    want.role === "vxlan"
      ? { op: "create", name, role: "vxlan", vxlan: want.vxlan }
      : { op: "create", name, role: want.role },
    // A link-local address would only make noise.
    { op: "set", name, args: ["addrgenmode", "none"] },
    ...(want.role === "vxlan" ? [{ op: "set", name, args: NO_ARP } as const] : []),
    ...(mtu === undefined ? [] : [{ op: "set", name, args: ["mtu", String(mtu)] } as const]),
    ...(want.role === "mesh" ? [] : [{ op: "address", name, address: LOOSE } as const]),
    { op: "set", name, args: ["up"] },
  ];
}

function differences(want: WantedLink, have: Link): (readonly string[])[] {
  return [
    have.alias === DEVICE_ALIAS ? [] : ["alias", DEVICE_ALIAS],
    have.addressMode === undefined || have.addressMode === "none" ? [] : ["addrgenmode", "none"],
    ...(want.role === "vxlan" ? vxlanDifferences(want.vxlan, have) : []),
    want.mtu === undefined || want.mtu === have.mtu ? [] : ["mtu", String(want.mtu)],
    have.up ? [] : ["up"],
  ];
}

/**
 * A new MAC address, and a change of ARP, make the kernel forget all neighbours of the device, permanent ones too
 * (neigh_changeaddr in net/core/neighbour.c; seen on 6.18); their part has its turn after this and sees it.
 */
function vxlanDifferences(want: WantedVxlan, have: Link): (readonly string[])[] {
  return [
    want.mac === have.mac ? [] : ["address", want.mac],
    have.noARP ? [] : NO_ARP,
    have.vxlan === undefined ? [] : settingsDifferences(want, have.vxlan),
  ];
}
