import { z } from "zod";
import type { Place } from "../../lab/place.ts";
import { findTool } from "../../platform/tools.ts";
import { runPiped } from "../../tunnel/piped.ts";

/** One end of a tunnel as a person would set it up, with nothing of Trestle's. */
export interface TunnelEnd {
  /** The gateway that it is on. */
  readonly place: Place;
  /** Of that gateway, on its LAN. */
  readonly address: string;
  /** Where its packets come from. */
  readonly range: string;
}

/** What the tunnel has in common with the one it is held against. */
export interface TunnelShape {
  /** `tun`: wireguard-go. */
  readonly kind: "wireguard" | "tun" | "vxlan";
  /** Bytes. */
  readonly mtu: number;
}

export const HAND_MADE_DEVICE = "hand0";
const PORT = 51_999;
const VNI = 51_999;

const links = z.array(
  z.object({ mtu: z.int(), linkinfo: z.object({ info_kind: z.enum(["wireguard", "tun", "vxlan"]) }) }),
);

/** What kind of device a tunnel is. */
export async function shapeOf(place: Place, device: string): Promise<TunnelShape> {
  const [link] = links.parse(JSON.parse(await place.run("ip", ["-j", "-d", "link", "show", "dev", device])));
  if (link === undefined) throw new Error(`ip showed no device ${device}`);
  return { kind: link.linkinfo.info_kind, mtu: link.mtu };
}

/**
 * Makes both ends and tells each of the other. What was made is handed to `undo`, also when a later step fails.
 * @returns for each end, what follows `ip route add PREFIX` to send packets to the other
 */
export async function makeTunnel(
  ends: readonly [TunnelEnd, TunnelEnd],
  shape: TunnelShape,
  undo: (action: () => Promise<void>) => void,
): Promise<readonly [string, string]> {
  const undoLink = ({ run }: Place): void =>
    undo(async () => void (await run("ip", ["link", "delete", "dev", HAND_MADE_DEVICE])));
  return shape.kind === "vxlan" ? makeVxlan(ends, shape, undoLink) : makeWireGuard(ends, shape, undoLink);
}

async function makeWireGuard(
  ends: readonly [TunnelEnd, TunnelEnd],
  shape: TunnelShape,
  undoLink: (place: Place) => void,
): Promise<readonly [string, string]> {
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
    await makeWireGuardDevice(place, shape);
    undoLink(place);
    const itself = ["private-key", "/dev/stdin", "listen-port", String(PORT)];
    const far = ["peer", peer.shown, "endpoint", `${other.address}:${PORT}`, "allowed-ips", other.range];
    await runPiped(place.run, "wg", ["set", HAND_MADE_DEVICE, ...itself, ...far], `${own.secret}\n`);
    await place.run("ip", ["link", "set", "dev", HAND_MADE_DEVICE, "mtu", String(shape.mtu), "up"]);
  }
  return [`dev ${HAND_MADE_DEVICE}`, `dev ${HAND_MADE_DEVICE}`];
}

/** The same WireGuard that Trestle found: a hand-made tunnel with another one would compare those two. */
async function makeWireGuardDevice({ run }: Place, { kind }: TunnelShape): Promise<void> {
  if (kind === "wireguard") {
    await run("ip", ["link", "add", "dev", HAND_MADE_DEVICE, "type", "wireguard"]);
    return;
  }
  // With LOG_LEVEL set it would keep our output open; the device deleted, it ends by itself.
  const program = findTool("wireguard-go", process.env["PATH"] ?? "");
  await run("env", ["--unset=LOG_LEVEL", "--chdir=/", "setsid", program, HAND_MADE_DEVICE]);
}

/** What each end is inside the tunnel, for the other one's routes alone. */
const INSIDE = [
  { address: "169.254.77.1", mac: "02:68:61:6e:64:01" },
  { address: "169.254.77.2", mac: "02:68:61:6e:64:02" },
] as const;

/** Far ends written down, nothing learned. */
async function makeVxlan(
  [left, right]: readonly [TunnelEnd, TunnelEnd],
  { mtu }: TunnelShape,
  undoLink: (place: Place) => void,
): Promise<readonly [string, string]> {
  const [one, two] = INSIDE;
  for (const { own, other, itself, far } of [
    { own: left, other: right, itself: one, far: two },
    { own: right, other: left, itself: two, far: one },
  ]) {
    const device = `dev ${HAND_MADE_DEVICE}`;
    const vxlan = `type vxlan id ${VNI} dstport ${PORT} local ${own.address} nolearning`;
    await own.place.run("ip", ["-batch", "-"], {
      stdin: `link add ${device} address ${itself.mac} mtu ${mtu} ${vxlan}\n`,
    });
    undoLink(own.place);
    const lines = [`link set ${device} up`, `neigh add ${far.address} lladdr ${far.mac} ${device} nud permanent`];
    await own.place.run("ip", ["-batch", "-"], { stdin: lines.join("\n") });
    await own.place.run("bridge", ["fdb", "add", far.mac, "dev", HAND_MADE_DEVICE, "dst", other.address]);
  }
  return [`via ${two.address} dev ${HAND_MADE_DEVICE} onlink`, `via ${one.address} dev ${HAND_MADE_DEVICE} onlink`];
}
