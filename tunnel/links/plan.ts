import { DEVICE_ALIAS, MESH_DEVICE } from "../marks.ts";
import type { DataPath } from "../state.ts";
import type { Link } from "./observe.ts";

/** A device of ours that shall be there, up and marked. */
export interface WantedLink {
  readonly name: string;
  readonly role: keyof typeof KINDS;
  /** Bytes; absent: as it comes. */
  readonly mtu?: number | undefined;
}

export type LinkStep =
  | { readonly op: "create"; readonly name: string; readonly role: WantedLink["role"] }
  | { readonly op: "set"; readonly name: string; readonly args: readonly string[] }
  /** The name is taken by a device that can't be ours: it is left alone and reported. */
  | { readonly op: "refuse"; readonly name: string; readonly kind: string }
  | { readonly op: "delete"; readonly name: string };

/** What a device of each role is in `ip -d link`: the kernel's own, or what stands in for it where the kernel has none. */
const KINDS = { tunnel: ["wireguard", "tun"], mesh: ["dummy", "bridge"] } as const;

/** `trs<own rank>-<remote rank>`: the only names, besides MESH_DEVICE, that this plan may delete. */
const TUNNEL_NAME = /^trs\d+-\d+$/;

/** The devices a data path stands on. */
export function wantedLinks(want: DataPath): WantedLink[] {
  const tunnels = want.wireGuard.map(({ name, mtu }) => ({ name, role: "tunnel", mtu }) as const);
  return want.meshAddresses.length === 0 ? tunnels : [...tunnels, { name: MESH_DEVICE, role: "mesh" }];
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
export function isOurs(link: Link): boolean {
  return link.alias === DEVICE_ALIAS && (TUNNEL_NAME.test(link.name) || link.name === MESH_DEVICE);
}

function putSteps(want: WantedLink, have: Link | undefined): LinkStep[] {
  const { name, role } = want;
  const kinds: readonly string[] = KINDS[role];
  if (have === undefined) {
    return [
      { op: "create", name, role },
      // Unmarked it could never be deleted, so the mark goes first; a link-local address would only make noise.
      { op: "set", name, args: ["alias", DEVICE_ALIAS] },
      { op: "set", name, args: ["addrgenmode", "none"] },
      ...(want.mtu === undefined ? [] : [{ op: "set", name, args: ["mtu", String(want.mtu)] } as const]),
      { op: "set", name, args: ["up"] },
    ];
  }
  if (!kinds.includes(have.kind ?? "")) {
    return [{ op: "refuse", name, kind: have.kind ?? "hardware" }];
  }
  const differences = [
    have.alias === DEVICE_ALIAS ? [] : ["alias", DEVICE_ALIAS],
    have.addressMode === undefined || have.addressMode === "none" ? [] : ["addrgenmode", "none"],
    want.mtu === undefined || want.mtu === have.mtu ? [] : ["mtu", String(want.mtu)],
    have.up ? [] : ["up"],
  ];
  return differences.filter((args) => args.length > 0).map((args) => ({ op: "set", name, args }));
}
