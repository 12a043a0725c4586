import { z } from "zod";
import { familyOf } from "../../mesh/cidr.ts";
import { MESH_VXLAN, NODE_VXLAN } from "../marks.ts";
import type { VxlanDevice } from "../state.ts";

/** The device half of VXLAN, as ip-link(8) makes, shows and changes it; who is behind it is `vxlan/`. */

/** Every VXLAN device that can be ours. */
export const VXLAN_NAMES: ReadonlySet<string> = new Set([...Object.values(MESH_VXLAN), ...Object.values(NODE_VXLAN)]);

export type VxlanSettings = Pick<VxlanDevice, "vni" | "port" | "local">;

/** A VXLAN device as it is. `altered`: it was made in another way than ours, so it can't be set right, only made anew. */
export interface ObservedVxlanSettings {
  readonly vni?: number | undefined;
  readonly port?: number | undefined;
  readonly local?: string | undefined;
  readonly learning: boolean;
  readonly altered?: true;
}

const SETTINGS = z.object({
  id: z.number().optional(),
  port: z.number().optional(),
  local: z.string().optional(),
  local6: z.string().optional(),
  learning: z.boolean().optional(),
  ttl: z.unknown().optional(),
  external: z.unknown().optional(),
  vnifilter: z.unknown().optional(),
  link: z.unknown().optional(),
  group: z.unknown().optional(),
  group6: z.unknown().optional(),
  remote: z.unknown().optional(),
  remote6: z.unknown().optional(),
});

/** Reads the `info_data` of a device of kind vxlan. */
export function readVxlanSettings(info: unknown): ObservedVxlanSettings {
  const { data } = SETTINGS.safeParse(info);
  if (data === undefined) {
    return { learning: true, altered: true };
  }
  const { id: vni, port, local, local6, learning = true, ttl, ...never } = data;
  const altered = (ttl ?? 0) !== 0 || Object.values(never).some((value) => value !== undefined);
  return { vni, port, local: local ?? local6, learning, ...(altered && { altered }) };
}

/**
 * What follows `ip link add dev NAME address MAC`.
 * - nolearning: who is behind the device is written down. Learning, it would send a cluster's packets to whoever last
 *   forged its gateway's MAC address.
 * - No default destination, no underlay device, no external mode: what nobody is written down for is dropped, and the
 *   routing table finds the way to an endpoint.
 * - udpcsum, and over IPv6 no zero checksums: the kernel's defaults, said because they can't be changed later. Receivers
 *   coalesce (GRO) only what has a checksum, and IPv6 routers may drop what has none.
 * - ttl auto: the host's own. Inherited, a heartbeat of TTL 1 would end at the first router.
 * - df unset: an outer packet that is too big is fragmented over IPv4 rather than lost, and either way the kernel tells
 *   the inner sender of an outer path that it knows to be smaller (skb_tunnel_check_pmtu in net/ipv4/ip_tunnel_core.c).
 */
export function vxlanArguments({ vni, port, local }: VxlanSettings): string[] {
  const checksums = ["udpcsum", "noudp6zerocsumtx", "noudp6zerocsumrx"];
  const text = `type vxlan id ${vni} dstport ${port} local ${local} nolearning ttl auto df unset`;
  return [...text.split(" "), ...checksums];
}

/** True when the kernel can't make one the other: it refuses to change VNI, port and outer family of a device. */
export function isAnother(want: VxlanSettings, have: ObservedVxlanSettings): boolean {
  const sameFamily = have.local !== undefined && familyOf(have.local) === familyOf(want.local);
  return want.vni !== have.vni || want.port !== have.port || !sameFamily || have.altered === true;
}

/** Arguments of `ip link set` for what differs and can be changed; empty: nothing. */
export function settingsDifferences(want: VxlanSettings, have: ObservedVxlanSettings): string[] {
  const differences = [
    ...(want.local === have.local ? [] : ["local", want.local]),
    ...(have.learning ? ["nolearning"] : []),
  ];
  return differences.length === 0 ? [] : ["type", "vxlan", ...differences];
}
