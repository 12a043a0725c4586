import fc from "fast-check";
import { familyOf, parseCidr } from "../../mesh/cidr.ts";
import { lowestFreeNodeAddress } from "../../mesh/mesh-prefix.ts";
import { lowestFreeBlockOf } from "../../mesh/ipam/blocks.ts";
import type { Family, IPBlockSpec, TunnelKind } from "../../mesh/resources.ts";
import { wireOf } from "../mtu.ts";
import type { Lan, Remote, RemoteGateway, Situation } from "../situation.ts";

/**
 * A remote cluster by its number: pod CIDR 10.<number>.0.0/16, mesh prefix 100.64.<4 × number>.0/22, one gateway a rank;
 * with IPv6 also fd10:<number>::/48 and fd64:<number>::/64.
 */
export function remoteCluster(
  number: number,
  ranks: readonly number[],
  { families = [4], tunnel = "WireGuard" }: { families?: readonly Family[]; tunnel?: TunnelKind } = {},
): Remote {
  const meshPrefixes = meshPrefixesOf(number, families);
  return {
    name: `c${number}`,
    number,
    prefixes: [...podCIDRsOf(number, families), ...meshPrefixes],
    meshPrefixes,
    gateways: ranks.map((rank) => ({
      name: `gw${rank}`,
      rank,
      endpoint: `192.0.2.${number * 8 + rank}`,
      behindNAT: false,
      basePort: 51_820,
      publicKey: `key-${number}-${rank}`,
    })),
    tunnel,
    accepts: [tunnel],
    sends: tunnel,
  };
}

/** A node of a test: the number of its LAN, and the families of its addresses there. */
export interface Place {
  readonly lan: number;
  readonly families: readonly Family[];
}

/**
 * Cluster "c1" with nodes n0, n1, …, of which the first `gateways` are gateways; seen from node `node`. Node i has
 * 172.16.<LAN + 1>.<10 + i>/24 and fd16:<LAN + 1>::<10 + i>/64; all are on LAN 0 by IPv4 unless `places` say otherwise.
 */
export function situationOf({
  nodes,
  gateways,
  node,
  remotes,
  families = [4],
  places = [],
  ranks = [],
}: {
  nodes: number;
  gateways: number;
  node: number;
  remotes: readonly Remote[];
  /** Of pods and mesh addresses. */
  families?: readonly Family[];
  places?: readonly Place[];
  /** Of the gateways, in order; each its own index unless given. */
  ranks?: readonly number[];
}): Situation {
  const names = Array.from({ length: nodes }, (_, index) => `n${index}`);
  const self = {
    name: "c1",
    number: 1,
    podCIDRs: podCIDRsOf(1, families),
    announcedCIDRs: [],
    meshPrefixes: meshPrefixesOf(1, families),
  };
  const addressesOf = (index: number): string[] => {
    const { lan, families: there } = places[index] ?? { lan: 0, families: [4] };
    return there.map((family) =>
      family === 4 ? `172.16.${lan + 1}.${10 + index}/24` : `fd16:${lan + 1}::${10 + index}/64`,
    );
  };
  const rank = ranks[node] ?? node;
  return {
    node: `n${node}`,
    lan: { device: "eth0", addresses: addressesOf(node), mtu: 1500, routerAdvertisements: false },
    self,
    nodes: names.map((name, index) => ({ name, addresses: addressesOf(index) })),
    blocks: blocksOf(names, self),
    podSubnets: [],
    hasUnderlay: false,
    gateways: names.slice(0, gateways).map((name, index) => ({ node: name, rank: ranks[index] ?? index })),
    remotes,
    gateway: node < gateways ? { rank, basePort: 51_820, privateKey: "own-key", behindNAT: false } : undefined,
    localCIDRs: [],
    openPorts: [],
    closed: [],
  };
}

/**
 * Situations of clusters with up to three gateways and four nodes, on one LAN or two, among up to five remote ones: one
 * family or both, every kind of tunnel and both at once, NAT, sparse ranks.
 */
export function situations(): fc.Arbitrary<Situation> {
  return fc
    .record({
      places: fc.array(fc.record({ lan: fc.nat(1), families: someFamilies() }), { minLength: 1, maxLength: 4 }),
      families: someFamilies(),
      gateways: fc.nat(3),
      ranks: fc.subarray([0, 1, 2, 5, 15], { minLength: 3, maxLength: 3 }),
      node: fc.nat(3),
      behindNAT: fc.boolean(),
      mtu: fc.constantFrom(1300, 1500, 9000),
      remotes: fc.uniqueArray(remoteSketches(), { selector: ({ number }) => number, maxLength: 5 }),
    })
    .map(({ places, gateways, node, behindNAT, mtu, remotes, ...rest }) => {
      const situation = situationOf({
        ...rest,
        places,
        nodes: places.length,
        gateways: Math.min(gateways, places.length),
        node: Math.min(node, places.length - 1),
        remotes: [],
      });
      const lan = { ...situation.lan, mtu };
      return {
        ...situation,
        lan,
        gateway: situation.gateway && { ...situation.gateway, behindNAT },
        remotes: remotes.map((sketch) => remoteSeen(sketch, lan)),
      };
    });
}

interface RemoteSketch {
  readonly number: number;
  readonly families: readonly Family[];
  readonly gateways: readonly {
    readonly rank: number;
    readonly outer: readonly Family[];
    readonly behindNAT: boolean;
  }[];
  readonly kinds: readonly TunnelKind[];
  readonly mtu: number | undefined;
}

function remoteSketches(): fc.Arbitrary<RemoteSketch> {
  const families = fc.subarray<Family>([4, 6]);
  const gateway = fc.record({ rank: fc.constantFrom(0, 1, 2, 7, 15), outer: families, behindNAT: fc.boolean() });
  return fc.record({
    number: fc.integer({ min: 2, max: 20 }),
    families: someFamilies(),
    gateways: fc.uniqueArray(gateway, { selector: ({ rank }) => rank, maxLength: 3 }),
    kinds: fc.shuffledSubarray<TunnelKind>(["WireGuard", "VXLAN"], { minLength: 1 }),
    mtu: fc.constantFrom(undefined, 576, 1400, 9000),
  });
}

/** With the endpoints that a node on this LAN dials. */
function remoteSeen({ number, families, gateways, kinds, mtu }: RemoteSketch, lan: Lan): Remote {
  const [sends = "WireGuard"] = kinds;
  const own = wireOf(lan).families;
  const gatewayOf = ({ rank, outer, behindNAT }: RemoteSketch["gateways"][number]): RemoteGateway => {
    const dialled = outer.find((family) => own.includes(family));
    const endpoint = dialled && (dialled === 4 ? `198.51.${number}.${rank}` : `2001:db8:${number}::${rank + 1}`);
    return { name: `g${rank}`, rank, endpoint, behindNAT, basePort: 51_820, publicKey: `key-${number}-${rank}` };
  };
  return {
    ...remoteCluster(number, [], { families, tunnel: sends }),
    gateways: gateways.map(gatewayOf),
    accepts: kinds,
    sends,
    mtu,
  };
}

function someFamilies(): fc.Arbitrary<Family[]> {
  return fc.subarray<Family>([4, 6], { minLength: 1 });
}

function podCIDRsOf(number: number, families: readonly Family[]): string[] {
  return families.map((family) => (family === 4 ? `10.${number}.0.0/16` : `fd10:${number}::/48`));
}

function meshPrefixesOf(number: number, families: readonly Family[]): string[] {
  return families.map((family) => (family === 4 ? `100.64.${number * 4}.0/22` : `fd64:${number}::/64`));
}

/** A mesh address a node and mesh prefix, and a block a node and pod CIDR, the lowest that are free. */
function blocksOf(names: readonly string[], self: Pick<Situation["self"], "podCIDRs" | "meshPrefixes">): IPBlockSpec[] {
  const blocks: IPBlockSpec[] = [];
  const taken = (purpose: IPBlockSpec["purpose"], range: string): string[] =>
    blocks
      .filter((block) => block.purpose === purpose && familyOf(block.cidr) === familyOf(range))
      .map(({ cidr }) => cidr);
  for (const node of names) {
    for (const prefix of self.meshPrefixes) {
      blocks.push({ cidr: lowestFreeNodeAddress(prefix, taken("Mesh", prefix)) ?? "", node, purpose: "Mesh" });
    }
    for (const podCIDR of self.podCIDRs) {
      blocks.push({
        cidr: lowestFreeBlockOf({ cidr: podCIDR }, taken("Pods", podCIDR).map(parseCidr)) ?? "",
        node,
        purpose: "Pods",
      });
    }
  }
  return blocks;
}
