import type { Place } from "../../../lab/place.ts";
import { familyOf } from "../../../mesh/cidr.ts";
import { MESH_VXLAN_PORT, NFT_TABLE, TUNNEL_FWMARK, VXLAN_VNI } from "../../../tunnel/marks.ts";

/** What somebody who has root on a gateway does by hand, once its agent is stopped. */

/** Looked at before any route of ours, but by the tunnels' own packets: they go on as before. */
const TABLE = "60";
const RULES = [
  `priority 60 fwmark ${TUNNEL_FWMARK} lookup main`,
  `priority 60 ipproto udp dport ${MESH_VXLAN_PORT} lookup main`,
  `priority 61 lookup ${TABLE}`,
];

/** Lets a gateway send what it wants: nothing of ours filters there, and WireGuard takes any address for each of its peers' devices. */
export async function turnHostile({ run }: Place): Promise<void> {
  const widen = `wg show interfaces | tr ' ' '\\n' | while read -r device; do
    wg show "$device" peers | while read -r peer; do wg set "$device" peer "$peer" allowed-ips 0.0.0.0/0,::/0; done
  done`;
  const rules = RULES.flatMap((rule) => [`ip -4 rule add ${rule}`, `ip -6 rule add ${rule}`]);
  await run("sh", ["-ec", [`nft delete table inet ${NFT_TABLE}`, widen, ...rules].join("\n")]);
}

/** Sends what is for `target`, and nothing else of its family, out of that device from now on, whatever the routes of ours say. */
export async function aim({ run }: Place, target: string, device: string): Promise<void> {
  const script = `ip "$0" route flush table ${TABLE} 2>/dev/null || true; ip "$0" route add "$1" dev "$2" table ${TABLE}`;
  await run("sh", ["-ec", script, `-${familyOf(target)}`, target, device]);
}

/** The same by a VXLAN device, where it takes the MAC address of a gateway to send to that one. */
export async function aimAt(place: Place, target: string, device: string, mac: string): Promise<void> {
  await aim(place, target, device);
  await place.run("ip", ["neigh", "replace", target, "lladdr", mac, "dev", device, "nud", "permanent"]);
}

/** A far end that VXLAN packets are forged for. */
interface Forgery {
  readonly device: string;
  /** Outer addresses. */
  readonly from: string;
  readonly to: string;
  /** Ethernet addresses inside: whose it claims to be, and the far end's own. */
  readonly ownMac: string;
  readonly farMac: string;
}

/** Makes a VXLAN device that speaks to a gateway as another gateway would. @returns how to send to an address by it */
export async function forgeVxlan(place: Place, forgery: Forgery): Promise<(target: string) => Promise<void>> {
  const { device, from, to, ownMac, farMac } = forgery;
  const port = String(MESH_VXLAN_PORT);
  const make = [
    `link add ${device} address ${ownMac} type vxlan id ${VXLAN_VNI} dstport ${port} local ${from} remote ${to} nolearning`,
    `link set ${device} addrgenmode none`,
    `link set ${device} up`,
  ];
  await place.run("ip", ["-batch", "-"], { stdin: make.join("\n") });
  return (target) => aimAt(place, target, device, farMac);
}
