import fc from "fast-check";
import { nodeBlockLength } from "../../mesh/node-blocks.ts";
import { cidrOf, formatCidr, nthAddress, parseCidr } from "../../mesh/cidr.ts";
import { lowestFreeNodeAddress } from "../../mesh/mesh-prefix.ts";
import type { IPBlockSpec } from "../../mesh/resources.ts";
import type { Remote, Situation } from "../situation.ts";

/** A remote cluster by its number: pod CIDR 10.<number>.0.0/16, mesh prefix 100.64.<4 × number>.0/22, one gateway a rank. */
export function remoteCluster(number: number, ranks: readonly number[]): Remote {
  const meshPrefix = `100.64.${number * 4}.0/22`;
  return {
    name: `c${number}`,
    number,
    prefixes: [`10.${number}.0.0/16`, meshPrefix],
    meshPrefixes: [meshPrefix],
    gateways: ranks.map((rank) => ({
      name: `gw${rank}`,
      rank,
      endpoint: `192.0.2.${number * 8 + rank}`,
      behindNAT: false,
      basePort: 51_820,
      publicKey: `key-${number}-${rank}`,
    })),
    tunnel: "WireGuard",
    accepts: ["WireGuard"],
    sends: "WireGuard",
  };
}

/** Cluster "c1" with nodes n0, n1, … on 172.16.1.0/24, of which the first `gateways` are gateways; seen from node `node`. */
export function situationOf({
  nodes,
  gateways,
  node,
  remotes,
}: {
  nodes: number;
  gateways: number;
  node: number;
  remotes: readonly Remote[];
}): Situation {
  const meshPrefix = "100.64.4.0/22";
  const podCIDR = parseCidr("10.1.0.0/16");
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
  const blocks: IPBlockSpec[] = [];
  for (const [index, name] of names.entries()) {
    const cidr = lowestFreeNodeAddress(
      meshPrefix,
      blocks.map((block) => block.cidr).filter((text) => text.startsWith("100.")),
    );
    const length = nodeBlockLength(podCIDR);
    blocks.push(
      { cidr: cidr ?? "", node: name, purpose: "Mesh" },
      { cidr: formatCidr(cidrOf(nthAddress(podCIDR, index << (32 - length)), length)), node: name, purpose: "Pods" },
    );
  }
  return {
    node: `n${node}`,
    lan: { device: "eth0", addresses: [`172.16.1.${10 + node}/24`], mtu: 1500, routerAdvertisements: false },
    self: { name: "c1", number: 1, podCIDRs: [formatCidr(podCIDR)], announcedCIDRs: [], meshPrefixes: [meshPrefix] },
    nodes: names.map((name, index) => ({ name, addresses: [`172.16.1.${10 + index}/24`] })),
    blocks,
    gateways: names.slice(0, gateways).map((name, rank) => ({ node: name, rank })),
    remotes,
    gateway: node < gateways ? { rank: node, basePort: 51_820, privateKey: "own-key", behindNAT: false } : undefined,
    localCIDRs: [],
    openPorts: [],
    withdrawn: [],
  };
}

/** Situations of clusters with up to three gateways and four nodes among up to five remote ones. */
export function situations(): fc.Arbitrary<Situation> {
  return fc
    .record({
      nodes: fc.integer({ min: 1, max: 4 }),
      gateways: fc.integer({ min: 0, max: 3 }),
      node: fc.nat(3),
      remotes: fc.uniqueArray(fc.record({ number: fc.integer({ min: 2, max: 20 }), ranks: fc.subarray([0, 1, 2]) }), {
        selector: ({ number }) => number,
        maxLength: 5,
      }),
    })
    .map(({ nodes, gateways, node, remotes }) =>
      situationOf({
        nodes,
        gateways: Math.min(gateways, nodes),
        node: Math.min(node, nodes - 1),
        remotes: remotes.map(({ number, ranks }) => remoteCluster(number, ranks)),
      }),
    );
}
