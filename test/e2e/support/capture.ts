import { spawn } from "node:child_process";
import { once } from "node:events";
import type { Place } from "../../../lab/place.ts";
import { eventually } from "../../../platform/testing/eventually.ts";

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
export async function startCapture({ prefix }: Place, device: string, inner: readonly string[]): Promise<Capture> {
  const filter = [...inner.map((cidr) => `net ${cidr}`), `udp portrange ${WIREGUARD_PORTS}`].join(" or ");
  const words = [...prefix, "tcpdump", "-n", "-l", "-q", "--immediate-mode", "-i", device, filter];
  const child = spawn(words[0] ?? "", words.slice(1), { stdio: ["ignore", "pipe", "pipe"] });
  const ended = once(child, "close");
  let out = "";
  let err = "";
  child.stdout.setEncoding("utf8").on("data", (more: string) => (out += more));
  child.stderr.setEncoding("utf8").on("data", (more: string) => (err += more));
  const stop = async (): Promise<Captured> => {
    child.kill("SIGINT");
    await ended;
    const packets = out.split("\n").filter(Boolean);
    const isSealed = (packet: string): boolean => /\.518[23]\d: UDP/.test(packet);
    return { sealed: packets.filter(isSealed), clear: packets.filter((packet) => !isSealed(packet)) };
  };
  try {
    await eventually(() => err.includes("listening on") || err);
  } catch (error) {
    await stop();
    throw error;
  }
  return { stop };
}
