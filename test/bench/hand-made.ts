import { z } from "zod";
import type { Place } from "../../lab/place.ts";
import { findTool } from "../../platform/tools.ts";
import { runPiped } from "../../tunnel/piped.ts";

/** One end of a WireGuard tunnel as a person would set it up, with nothing of Trestle's. */
export interface TunnelEnd {
  /** The gateway that it is on. */
  readonly place: Place;
  /** Of that gateway, on its LAN. */
  readonly address: string;
  /** Addresses that this end may send from. */
  readonly pods: readonly string[];
}

/** What the tunnel has in common with the one it is held against. */
export interface TunnelShape {
  /** `tun`: wireguard-go. */
  readonly kind: "wireguard" | "tun";
  /** Bytes. */
  readonly mtu: number;
}

export const HAND_MADE_DEVICE = "hand0";
const PORT = 51_999;

const links = z.array(z.object({ mtu: z.int(), linkinfo: z.object({ info_kind: z.enum(["wireguard", "tun"]) }) }));

/** What kind of device a tunnel is. */
export async function shapeOf(place: Place, device: string): Promise<TunnelShape> {
  const [link] = links.parse(JSON.parse(await place.run("ip", ["-j", "-d", "link", "show", "dev", device])));
  if (link === undefined) throw new Error(`ip showed no device ${device}`);
  return { kind: link.linkinfo.info_kind, mtu: link.mtu };
}

/** Makes both ends and tells each of the other. What was made is handed to `undo`, also when a later step fails. */
export async function makeTunnel(
  ends: readonly [TunnelEnd, TunnelEnd],
  shape: TunnelShape,
  undo: (action: () => Promise<void>) => void,
): Promise<void> {
  const keys = await Promise.all(
    ends.map(async ({ place }) => {
      const secret = (await place.run("wg", ["genkey"])).trim();
      return { secret, shown: (await place.run("wg", ["pubkey"], { stdin: `${secret}\n` })).trim() };
    }),
  );
  for (const [at, { place }] of ends.entries()) {
    const other = ends[1 - at];
    const [own, peer] = [keys[at], keys[1 - at]];
    if (other === undefined || own === undefined || peer === undefined) throw new Error("a tunnel has two ends");
    await makeDevice(place, shape);
    undo(async () => void (await place.run("ip", ["link", "delete", "dev", HAND_MADE_DEVICE])));
    const itself = ["private-key", "/dev/stdin", "listen-port", String(PORT)];
    const far = ["peer", peer.shown, "endpoint", `${other.address}:${PORT}`, "allowed-ips", other.pods.join(",")];
    await runPiped(place.run, "wg", ["set", HAND_MADE_DEVICE, ...itself, ...far], `${own.secret}\n`);
    await place.run("ip", ["link", "set", "dev", HAND_MADE_DEVICE, "mtu", String(shape.mtu), "up"]);
  }
}

/** The same WireGuard that Trestle found: a hand-made tunnel with another one would compare those two. */
async function makeDevice({ run }: Place, { kind }: TunnelShape): Promise<void> {
  if (kind === "wireguard") {
    await run("ip", ["link", "add", "dev", HAND_MADE_DEVICE, "type", "wireguard"]);
    return;
  }
  // With LOG_LEVEL set it would keep our output open; the device deleted, it ends by itself.
  const program = findTool("wireguard-go", process.env["PATH"] ?? "");
  await run("env", ["--unset=LOG_LEVEL", "--chdir=/", "setsid", program, HAND_MADE_DEVICE]);
}
