import { z } from "zod";
import type { TestLab } from "./test-lab.ts";

const links = z.array(z.object({ ifname: z.string(), stats64: z.object({ rx: z.object({ packets: z.number() }) }) }));

/** Devices between clusters, by what they are: `trs0-1`, or `trsvx` and `trsvx6`. */
export const TUNNELS = { WireGuard: /^trs\d+-\d+$/, VXLAN: /^trsvx6?$/ } as const;

/** Packets by tunnel device, as `CLUSTER/NODE DEVICE`. */
export type TunnelPackets = Readonly<Record<string, number>>;

/** How many packets came in by each tunnel device of these nodes since it was made; what a tunnel says by itself is not among them. */
export async function packetsIn(lab: TestLab, nodes: readonly string[], devices: RegExp): Promise<TunnelPackets> {
  const counted = nodes.map(async (node) => {
    const shown = links.parse(JSON.parse(await lab.place(node).run("ip", ["-s", "-j", "link", "show"])));
    return shown
      .filter(({ ifname }) => devices.test(ifname))
      .map(({ ifname, stats64 }) => [`${node} ${ifname}`, stats64.rx.packets] as const);
  });
  return Object.fromEntries((await Promise.all(counted)).flat());
}

/** What came in between two counts. */
export function packetsBetween(before: TunnelPackets, after: TunnelPackets): TunnelPackets {
  return Object.fromEntries(Object.entries(after).map(([tunnel, count]) => [tunnel, count - (before[tunnel] ?? 0)]));
}
