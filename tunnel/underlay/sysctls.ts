import type { Sysctl } from "../state.ts";

/**
 * What a node's kernel must be told to answer on its LAN for pods, besides forwarding
 * (https://docs.kernel.org/networking/ip-sysctl.html): at once, where the default is a random 0 to 0.8 s; for IPv6 at
 * all. And that a program may speak for an address that the node does not have, as arping(8) does to announce one: it
 * binds a socket to it ("bind: Cannot assign requested address" otherwise, iputils 20221126).
 * @param nic the LAN's device
 */
export function underlaySysctls(nic: string): Sysctl[] {
  return [
    { key: `net.ipv4.neigh.${nic}.proxy_delay`, value: "0" },
    { key: `net.ipv6.neigh.${nic}.proxy_delay`, value: "0" },
    { key: `net.ipv6.conf.${nic}.proxy_ndp`, value: "1" },
    { key: "net.ipv4.ip_nonlocal_bind", value: "1" },
  ];
}
