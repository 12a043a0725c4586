import { withLength } from "../../../lab/addressing.ts";
import { netnsInode } from "../../../lab/netns.ts";
import { processesIn } from "../../../lab/process.ts";
import { MESH_VXLAN, NFT_TABLE, ROUTE_PROTOCOL } from "../../../tunnel/marks.ts";
import type { TestLab } from "./test-lab.ts";

/** What somebody does by hand to what is ours in a node's kernel: shell scripts, but for what a script can't do. */

/** Of all VXLAN devices between clusters that a gateway of a lab with links over either family has. */
const ofEachVXLAN = (line: (device: string) => string): string => Object.values(MESH_VXLAN).map(line).join("\n");

/** Deletes all routes of ours in both families, backstops and all: `ip route flush` stops at the first that has a nexthop object. */
const FLUSH_ROUTES = String.raw`
  for family in 4 6; do
    ip -$family -o route show proto ${ROUTE_PROTOCOL} |
      sed 's/\\.*//; /nhid/{s/ nhid [0-9]*//; s/ via [^ ]*//; s/ dev [^ ]*//; s/ onlink//}; s/ pref .*//; s/^/route delete /' |
      ip -$family -force -batch -
  done`;

export const DAMAGES = {
  deleteWireGuard: "ip link delete trs0-0",
  deleteVXLAN: ofEachVXLAN((device) => `ip link delete ${device}`),
  forgetFarEnds: ofEachVXLAN((device) => `bridge fdb flush dev ${device}`),
  forgetNeighbours: ofEachVXLAN((device) => `ip neigh flush dev ${device} nud permanent`),
  flushRoutes: FLUSH_ROUTES,
  deleteGroups: `ip nexthop show proto ${ROUTE_PROTOCOL} | sed -n 's/^id \\([0-9]*\\) group .*/nexthop delete id \\1/p' | ip -batch -`,
  deleteNexthops: `ip nexthop flush proto ${ROUTE_PROTOCOL}`,
  deleteTable: `nft delete table inet ${NFT_TABLE}`,
} as const;

/** SIGKILL to each wireguard-go of a node. @throws Error when there is none */
export async function killTunnels(lab: TestLab, node: string): Promise<void> {
  const inode = netnsInode(lab.place(node).netns);
  const found = inode === undefined ? [] : processesIn(new Set([inode]));
  const tunnels = found.filter(({ command }) => command === "wireguard-go");
  if (tunnels.length === 0) throw new Error(`there is no wireguard-go on ${node}`);
  for (const { pid } of tunnels) process.kill(pid, "SIGKILL");
}

/**
 * Sets a node's LAN device down and up, as an admin does it: the kernel drops all routes of the device, and of IPv6 the
 * addresses; then what the machine's own configuration gives it again.
 */
export async function setDownAndUp(lab: TestLab, node: string): Promise<void> {
  const [cluster = "", name] = node.split("/");
  const attachments = lab.site(cluster).nodes.find((each) => each.name === name)?.attachments ?? [];
  const lines = attachments.flatMap((each) => [
    `address replace ${withLength(each)} dev eth0${each.family === 6 ? " nodad" : ""}`,
    `route replace default via ${each.router} dev eth0`,
  ]);
  const stdin = ["link set eth0 down", "link set eth0 up", ...lines].join("\n");
  await lab.place(node).run("ip", ["-batch", "-"], { stdin });
}
