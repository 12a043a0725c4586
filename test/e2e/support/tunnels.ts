import { z } from "zod";
import { wireGuardDevice } from "../../../tunnel/marks.ts";
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

const gateways = z.array(z.object({ spec: z.object({ node: z.string(), rank: z.int() }) }));

/** Ranks of these clusters' gateways by `CLUSTER/NODE`, as their stores have them. */
export async function ranksOf(lab: TestLab, clusters: readonly string[]): Promise<ReadonlyMap<string, number>> {
  const all = clusters.map(async (cluster) => {
    const found = gateways.parse(JSON.parse(await lab.at(cluster, "get", "gateways", "--output", "json")));
    return found.map(({ spec }) => [`${cluster}/${spec.node}`, spec.rank] as const);
  });
  return new Map((await Promise.all(all)).flat());
}

/** The device by which a gateway takes in what another sends. @throws Error when one of them is no gateway */
export function tunnelBetween(ranks: ReadonlyMap<string, number>, taker: string, sender: string): string {
  const [own, other] = [ranks.get(taker), ranks.get(sender)];
  if (own === undefined || other === undefined) throw new Error(`${taker} or ${sender} is no gateway`);
  return wireGuardDevice(own, other);
}
