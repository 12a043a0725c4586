import { MeshError } from "../platform/errors.ts";
import type { PathLimit } from "./fault-target.ts";
import type { Layout, Site } from "./layout.ts";
import { UPLINK } from "./topology.ts";
import type { NetChange } from "./topology.ts";

/** A site's uplink as a narrow link: both its ends, the site's router and the WAN, send no larger packet through it. */

/** Bytes. The kernel takes IPv6 from a device with less (RFC 8200, section 5). */
const MIN_MTU = 1280;

/**
 * What makes a site's uplink as narrow as `limit` says, or, without one, as wide as it was. Pure.
 * @throws MeshError `bad-target` when the limit is none, or less than IPv6 can live with
 */
export function planPathLimit({ wan }: Layout, site: Site, limit: PathLimit | undefined): NetChange {
  const { bytes, silent } = limit ?? { bytes: site.mtu, silent: false };
  if (bytes < MIN_MTU || bytes > site.mtu) {
    const message = `the uplink of ${site.cluster} can carry packets of ${MIN_MTU} to ${site.mtu} bytes, not of ${bytes}`;
    throw new MeshError("bad-target", message, { retry: false });
  }
  const ends = [
    { netns: site.netns, device: UPLINK },
    { netns: wan.netns, device: site.wanDevice },
  ];
  const table = `inet silent_${site.wanDevice}`;
  const none = `add table ${table}\ndelete table ${table}\n`;
  return {
    links: ends.map(({ netns, device }) => ({ netns, lines: [`link set ${device} mtu ${bytes}`] })),
    rulesets: ends.map(({ netns }) => ({ netns, text: silent ? none + silence(table, bytes) : none })),
  };
}

/** Drops what a router says of a link with this MTU: fragmentation needed (RFC 1191), packet too big (RFC 4443). */
function silence(table: string, bytes: number): string {
  return `table ${table} {
  chain output {
    type filter hook output priority filter; policy accept;
    icmp type destination-unreachable icmp code frag-needed icmp mtu ${bytes} drop
    icmpv6 type packet-too-big icmpv6 mtu ${bytes} drop
  }
}
`;
}
