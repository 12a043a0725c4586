import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { MESH_VXLAN_PORT } from "../../../tunnel/marks.ts";
import { orStop, startIn } from "./background.ts";

/** What was seen on a wire: one line a packet. */
export interface Captured {
  /** Packets of WireGuard. */
  readonly sealed: readonly string[];
  /** Packets of VXLAN between clusters: a tunnel, that everybody can read. */
  readonly enveloped: readonly string[];
  /** Packets with one of the inner addresses on them, for everybody to read. */
  readonly clear: readonly string[];
}

export interface Capture {
  readonly stop: () => Promise<Captured>;
}

const WIREGUARD_PORTS = "51820-51830";

/** Watches `device` for packets of `inner` prefixes in clear, and, to show that it sees at all, for the tunnels'. */
export async function startCapture(at: Place, device: string, inner: readonly string[]): Promise<Capture> {
  const filter = [
    ...inner.map((cidr) => `net ${cidr}`),
    `udp portrange ${WIREGUARD_PORTS}`,
    `udp port ${MESH_VXLAN_PORT}`,
  ].join(" or ");
  const dump = startIn(at, ["tcpdump", "-n", "-l", "-q", "--immediate-mode", "-s", "128", "-i", device, filter]);
  await orStop([dump], () => eventually(() => dump.err().includes("listening on") || dump.err()));
  return {
    stop: async () => {
      await dump.stop("SIGINT");
      const packets = dump.out().split("\n").filter(Boolean);
      const kinds = Object.groupBy(packets, kindOf);
      return { sealed: kinds.sealed ?? [], enveloped: kinds.enveloped ?? [], clear: kinds.clear ?? [] };
    },
  };
}

/** By the ports that tcpdump shows: `IP 192.168.1.10.51820 > 192.168.2.10.51821: UDP, length 148`. */
function kindOf(packet: string): keyof Captured {
  if (/\.518[23]\d: UDP/.test(packet)) return "sealed";
  return new RegExp(`\\.${MESH_VXLAN_PORT}: UDP`).test(packet) ? "enveloped" : "clear";
}
