import type { DataPath, Sysctl } from "../tunnel/state.ts";
import { ownHealthAddresses, tunnelNexthops, tunnelRoutes, wireGuardInterfaces } from "./gateway/plan.ts";
import { backstops, neighbourRoutes, ownMeshAddresses, remoteRoutes } from "./node/plan.ts";
import type { Situation } from "./situation.ts";

/** What this node's kernel shall hold. Pure: the same situation gives the same data path. */
export function planDataPath(situation: Situation): DataPath {
  const own = situation.gateway;
  const meshAddresses = [...ownMeshAddresses(situation), ...(own ? ownHealthAddresses(situation, own) : [])];
  const wireGuard = own ? wireGuardInterfaces(situation, own) : [];
  return {
    wireGuard,
    vxlan: [],
    meshAddresses,
    nexthops: own ? tunnelNexthops(situation, own) : [],
    routes: [
      ...backstops(situation),
      ...neighbourRoutes(situation),
      ...(own ? tunnelRoutes(situation, own) : remoteRoutes(situation)),
    ],
    firewall: {
      clusterDevices: [situation.lan.device],
      remotePrefixes: situation.remotes.flatMap((remote) => remote.prefixes),
      announcedPrefixes: [...situation.self.podCIDRs, ...situation.self.announcedCIDRs, ...situation.self.meshPrefixes],
      localPrefixes: situation.blocks
        .filter(({ node, purpose }) => node === situation.node && purpose === "Pods")
        .map(({ cidr }) => cidr),
      localAddresses: meshAddresses.map(withoutLength),
      nodeAddresses: ownMeshAddresses(situation).map(withoutLength),
      openPorts: situation.openPorts,
      vxlanEndpoints: [],
      vxlanSources: [],
    },
    sysctls: sysctls(
      situation.lan.device,
      wireGuard.map((device) => device.name),
    ),
  };
}

function withoutLength(hostCidr: string): string {
  return hostCidr.split("/")[0] ?? hostCidr;
}

/**
 * Forwarding, hashing by ports (so that flows spread), loose reverse path (return traffic may come by another gateway),
 * no redirects (they would teach hosts a way around a gateway). https://docs.kernel.org/networking/ip-sysctl.html
 */
function sysctls(lan: string, tunnels: readonly string[]): Sysctl[] {
  const devices = [lan, ...tunnels];
  return [
    { key: "net.ipv4.ip_forward", value: "1" },
    { key: "net.ipv6.conf.all.forwarding", value: "1" },
    { key: "net.ipv4.fib_multipath_hash_policy", value: "1" },
    { key: "net.ipv6.fib_multipath_hash_policy", value: "1" },
    ...devices.map((device) => ({ key: `net.ipv4.conf.${device}.rp_filter`, value: "2" })),
    { key: `net.ipv4.conf.${lan}.send_redirects`, value: "0" },
    { key: "net.ipv4.conf.all.send_redirects", value: "0" },
  ];
}
