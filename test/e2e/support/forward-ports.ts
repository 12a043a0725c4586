import { addressIn } from "../../../lab/addressing.ts";
import { UPLINK } from "../../../lab/topology.ts";
import type { TestLab } from "./test-lab.ts";

/** WireGuard's ports of a gateway in a lab: one a remote rank. */
const PORTS = "51820-51829";

/**
 * Has a site's router forward WireGuard's ports at one of its public addresses to a node, both ways and without a memory
 * of flows, as 1:1 NAT does. (With one, Linux goes on translating to a former address as long as packets flow, which
 * home routers take care of when they dial in anew.) Called again, it forwards at that address instead.
 */
export async function forwardPorts(
  lab: TestLab,
  { cluster, node, at }: { readonly cluster: string; readonly node: string; readonly at: string },
): Promise<void> {
  const { attachments = [] } = lab.site(cluster).nodes.find(({ name }) => name === node) ?? {};
  const inside = addressIn(attachments, 4);
  if (inside === undefined) throw new Error(`${cluster}/${node} has no LAN of IPv4`);
  const table = `table ip forwarded
delete table ip forwarded
table ip forwarded {
  chain prerouting {
    type filter hook prerouting priority raw; policy accept;
    iifname "${UPLINK}" ip daddr ${at} udp dport ${PORTS} notrack ip daddr set ${inside}
    iifname != "${UPLINK}" ip saddr ${inside} udp sport ${PORTS} notrack
  }
  chain postrouting {
    type filter hook postrouting priority mangle; policy accept;
    oifname "${UPLINK}" ip saddr ${inside} udp sport ${PORTS} ip saddr set ${at}
  }
}
`;
  await lab.router(cluster).run("nft", ["-f", "-"], { stdin: table });
}
