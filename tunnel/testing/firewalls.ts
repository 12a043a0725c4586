import fc from "fast-check";
import { formatAddress, formatCidr } from "../../mesh/cidr.ts";
import { addresses, cidrs } from "../../mesh/testing/arbitraries.ts";
import { MESH_VXLAN_PORT, NODE_VXLAN_PORT } from "../marks.ts";
import type { Firewall } from "../state.ts";

/** A firewall that is about nothing but what is given. */
export function firewall(given: Partial<Firewall> = {}): Firewall {
  return {
    clusterDevices: ["eth0"],
    nodeAddresses: [],
    openPorts: [],
    vxlanEndpoints: [],
    vxlanSources: [],
    remotePrefixes: [],
    closedPrefixes: [],
    announcedPrefixes: [],
    clusterBlocks: [],
    insidePrefixes: [],
    masqueradedSources: [],
    keptSources: [],
    nodeHops: [],
    localAddresses: [],
    ...given,
  };
}

/** Any firewall, with all its parts; prefixes of length 0 are no cluster's. */
export function firewalls(): fc.Arbitrary<Firewall> {
  const prefixes = fc.array(
    cidrs()
      .filter(({ length }) => length > 0)
      .map(formatCidr),
    { maxLength: 8 },
  );
  const hosts = fc.uniqueArray(addresses().map(formatAddress), { maxLength: 4 });
  return fc.record({
    clusterDevices: fc.constantFrom(["eth0"], ["eth0.5", "trnvx"]),
    nodeAddresses: fc.subarray(["10.1.255.1", "fd65:1::1"]),
    openPorts: fc.uniqueArray(
      fc.record({ protocol: fc.constantFrom("tcp", "udp"), port: fc.integer({ min: 1, max: 65_535 }) }),
      { maxLength: 4, selector: ({ protocol, port }) => `${protocol} ${port}` },
    ),
    vxlanEndpoints: fc.tuple(hosts, hosts).map(([mesh, node]) => [
      { port: MESH_VXLAN_PORT, addresses: mesh },
      { port: NODE_VXLAN_PORT, addresses: node },
    ]),
    vxlanSources: fc.array(fc.record({ mac: fc.constantFrom("02:00:00:00:02:00", "02:00:00:00:02:01"), prefixes }), {
      maxLength: 3,
    }),
    remotePrefixes: prefixes,
    closedPrefixes: prefixes,
    announcedPrefixes: prefixes,
    clusterBlocks: prefixes,
    insidePrefixes: prefixes,
    masqueradedSources: prefixes,
    keptSources: prefixes,
    nodeHops: hosts,
    localAddresses: fc.subarray(["10.1.255.1", "10.1.255.2", "fd65:1::1"]),
  });
}
