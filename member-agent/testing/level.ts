import type { AnyResource, KindDefinition } from "../../crds/kind.ts";
import { gatewayKind } from "../../crds/gateway.ts";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { membershipKind } from "../../crds/membership.ts";
import { nodeKind } from "../../crds/node.ts";
import { remoteClusterKind } from "../../crds/remote-cluster.ts";
import type { IPBlockSpec, MembershipSpec } from "../../mesh/resources.ts";
import { metadata } from "../../mesh/testing/objects.ts";
import type { View } from "../../mesh/view-records.ts";
import type { MemberLevel } from "../member/level.ts";

const PREFIXES = { podCIDRs: ["10.64.0.0/16"], announcedCIDRs: [], meshPrefixes: ["100.64.0.0/22"] };
const BLOCKS: readonly IPBlockSpec[] = [
  { cidr: "100.64.0.33/32", node: "a", purpose: "Mesh" },
  { cidr: "100.64.0.34/32", node: "b", purpose: "Mesh" },
  { cidr: "10.64.0.0/24", node: "a", purpose: "Pods" },
  { cidr: "10.64.1.0/24", node: "b", purpose: "Pods" },
];

/** The LAN address of node "a". */
export const NODE_A = "192.0.2.1/24";

/**
 * Cluster "east" (10.64.0.0/16) with node "a" and gateway "b", linked with "west" (number 2, 10.65.0.0/16), as its store
 * says it.
 * @param generation of the view that it follows from; west's mesh prefix is 100.64.<4 × generation>.0/22
 */
export function levelOf(generation: number, phase: MembershipSpec["phase"] = "Joined"): MemberLevel {
  const revision = { epoch: 1, generation };
  const west = westOf(generation);
  const prefixes = [...west.podCIDRs, ...west.meshPrefixes];
  const { number, meshPrefixes, gateways } = west;
  const remote = { number, prefixes, meshPrefixes, gateways, tunnel: "WireGuard", revision };
  const status = { number: 1, ...PREFIXES, revision };
  return {
    membership: objectOf(membershipKind, "mesh", { mesh: "m", cluster: "east", phase, localCIDRs: [] }, status),
    nodes: [objectOf(nodeKind, "a", { addresses: [NODE_A] }), objectOf(nodeKind, "b", { addresses: ["192.0.2.2/24"] })],
    blocks: BLOCKS.map((spec) => objectOf(ipBlockKind, spec.cidr.replaceAll(/[./]/g, "-"), spec)),
    gateways: [objectOf(gatewayKind, "rank-0", { node: "b", rank: 0 })],
    remotes: [objectOf(remoteClusterKind, "west", remote, {}, generation)],
    networks: [],
    subnets: [],
  };
}

/** The same as the hub tells it to a gateway of east. */
export function viewOf(generation: number): View {
  return {
    self: { name: "east", number: 1, ...PREFIXES },
    entries: [{ peer: westOf(generation), tunnel: "WireGuard" }],
  };
}

function westOf(generation: number) {
  const publicKey = "cGVlciBwZWVyIHBlZXIgcGVlciBwZWVyIHBlZXIgcGU=";
  return {
    name: "west",
    number: 2,
    podCIDRs: ["10.65.0.0/16"],
    announcedCIDRs: [],
    meshPrefixes: [`100.64.${4 * generation}.0/22`],
    gateways: [{ name: "w", rank: 0, endpoints: ["198.51.100.1"], behindNAT: false, basePort: 51_820, publicKey }],
  };
}

function objectOf<T extends AnyResource>(
  kind: KindDefinition<T>,
  name: string,
  spec: unknown,
  status: unknown = {},
  generation = 1,
): T {
  const { apiVersion } = kind;
  return kind.parse({ apiVersion, kind: kind.kind, metadata: metadata(name, { generation }), spec, status });
}
