import { z } from "zod";
import type { Run } from "../../platform/run.ts";
import { ipJson } from "../ip.ts";
import type { ObservedVxlanSettings } from "./vxlan.ts";
import { readVxlanSettings } from "./vxlan.ts";

/** A network device as the planner needs it. */
export interface Link {
  readonly name: string;
  /** `wireguard`, `tun`, `bridge`, `veth`…; absent for hardware. */
  readonly kind?: string | undefined;
  readonly mtu: number;
  readonly up: boolean;
  readonly alias?: string | undefined;
  /** How the kernel makes its link-local address; absent where there is no IPv6. */
  readonly addressMode?: string | undefined;
  /** Absent where there is no link layer. */
  readonly mac?: string | undefined;
  /** It neither asks for link-layer addresses nor answers who asks. */
  readonly noARP: boolean;
  /** IPv4 addresses of scope host, with prefix length: never a source of packets to others. */
  readonly hostAddresses: readonly string[];
  /** Of kind vxlan only. */
  readonly vxlan?: ObservedVxlanSettings | undefined;
}

const LINKS = z.array(
  z.object({
    ifname: z.string(),
    mtu: z.number(),
    flags: z.array(z.string()),
    address: z.string().optional(),
    ifalias: z.string().optional(),
    inet6_addr_gen_mode: z.string().optional(),
    linkinfo: z.object({ info_kind: z.string().optional(), info_data: z.unknown().optional() }).optional(),
  }),
);

/** Devices and addresses that a filter keeps out are shown by ip as empty objects. */
const ADDRESSES = z.array(
  z.object({
    ifname: z.string().optional(),
    addr_info: z.array(z.object({ local: z.string().optional(), prefixlen: z.number().optional() })).default([]),
  }),
);

/** Every device of the namespace. */
export async function observeLinks(run: Run): Promise<Link[]> {
  const [links, addresses] = await Promise.all([
    ipJson(run, ["-d", "link", "show"], LINKS),
    ipJson(run, ["-4", "address", "show", "scope", "host"], ADDRESSES),
  ]);
  const hostAddresses = new Map(addresses.map(({ ifname, addr_info }) => [ifname, addr_info]));
  return links.map((link) => ({
    name: link.ifname,
    kind: link.linkinfo?.info_kind,
    mtu: link.mtu,
    up: link.flags.includes("UP"),
    alias: link.ifalias,
    addressMode: link.inet6_addr_gen_mode,
    mac: link.address,
    hostAddresses: (hostAddresses.get(link.ifname) ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    noARP: link.flags.includes("NOARP"),
    vxlan: link.linkinfo?.info_kind === "vxlan" ? readVxlanSettings(link.linkinfo.info_data) : undefined,
  }));
}
