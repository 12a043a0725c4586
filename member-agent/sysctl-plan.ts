import type { Sysctl } from "../tunnel/state.ts";
import { underlaySysctls } from "../tunnel/underlay/sysctls.ts";
import type { Situation } from "./situation.ts";

/**
 * What this node's kernel is told to be (https://docs.kernel.org/networking/ip-sysctl.html), in order of writing:
 * forwarding; hashing by ports, so that flows spread; on the LAN and on our devices alone, a loose reverse path, for
 * answers may come by another gateway, and no redirects, which would teach hosts a way around one. Where there is an
 * underlay, too, answers for pods' addresses on the LAN at once.
 * @param devices of ours, beside the LAN's
 */
export function planSysctls(
  { lan, hasUnderlay }: Pick<Situation, "lan" | "hasUnderlay">,
  devices: readonly string[],
): Sysctl[] {
  const touched = [lan.device, ...devices];
  return [
    // A kernel that forwards takes no more router advertisements, and would lose its default route a while later.
    ...(lan.routerAdvertisements ? [{ key: `net.ipv6.conf.${lan.device}.accept_ra`, value: "2" }] : []),
    { key: "net.ipv4.ip_forward", value: "1" },
    { key: "net.ipv6.conf.all.forwarding", value: "1" },
    { key: "net.ipv4.fib_multipath_hash_policy", value: "1" },
    { key: "net.ipv6.fib_multipath_hash_policy", value: "1" },
    ...touched.map((device) => ({ key: `net.ipv4.conf.${device}.rp_filter`, value: "2" })),
    // A device sends redirects if it or `all` says so.
    { key: "net.ipv4.conf.all.send_redirects", value: "0" },
    ...touched.map((device) => ({ key: `net.ipv4.conf.${device}.send_redirects`, value: "0" })),
    ...(hasUnderlay ? underlaySysctls(lan.device) : []),
  ];
}
