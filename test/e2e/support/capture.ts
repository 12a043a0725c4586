import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { orStop, startIn } from "./background.ts";

/** What was seen on a wire: one line a packet. */
export interface Captured {
  /** Packets of WireGuard. */
  readonly sealed: readonly string[];
  /** Packets with one of the inner addresses on them, for everybody to read. */
  readonly clear: readonly string[];
}

export interface Capture {
  readonly stop: () => Promise<Captured>;
}

const WIREGUARD_PORTS = "51820-51830";

/** Watches `device` for packets of `inner` prefixes in clear, and, to show that it sees at all, for WireGuard's. */
export async function startCapture(at: Place, device: string, inner: readonly string[]): Promise<Capture> {
  const filter = [...inner.map((cidr) => `net ${cidr}`), `udp portrange ${WIREGUARD_PORTS}`].join(" or ");
  const dump = startIn(at, ["tcpdump", "-n", "-l", "-q", "--immediate-mode", "-i", device, filter]);
  await orStop([dump], () => eventually(() => dump.err().includes("listening on") || dump.err()));
  return {
    stop: async () => {
      await dump.stop("SIGINT");
      const packets = dump.out().split("\n").filter(Boolean);
      const isSealed = (packet: string): boolean => /\.518[23]\d: UDP/.test(packet);
      return { sealed: packets.filter(isSealed), clear: packets.filter((packet) => !isSealed(packet)) };
    },
  };
}
