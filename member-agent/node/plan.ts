import { familyOf } from "../../mesh/cidr.ts";
import { healthAddress } from "../../mesh/mesh-prefix.ts";
import type { Family } from "../../mesh/resources.ts";
import { BACKSTOP_METRIC } from "../../tunnel/marks.ts";
import type { Route, RouteTarget } from "../../tunnel/state.ts";
import type { ClusterNode, Remote, Situation } from "../situation.ts";

/** The prefixes that are somebody's now: this cluster's and the linked ones'. */
export function livePrefixes({ self, remotes }: Situation): string[] {
  return [...self.podCIDRs, ...self.meshPrefixes, ...remotes.flatMap((remote) => remote.prefixes)];
}

/** Own pod and mesh ranges, linked clusters' prefixes and withdrawn ones: unreachable rather than out in clear by the default route. */
export function backstops(situation: Situation): Route[] {
  const prefixes = new Set([...livePrefixes(situation), ...situation.withdrawn]);
  return [...prefixes].map((prefix) => ({ prefix, target: { kind: "unreachable" }, metric: BACKSTOP_METRIC }));
}

/** The other nodes' blocks and the other gateways' health addresses, directly over the LAN. */
export function neighbourRoutes(situation: Situation): Route[] {
  const others = new Map(
    situation.nodes.filter((node) => node.name !== situation.node).map((node) => [node.name, node]),
  );
  const through = (owner: string, prefix: string): Route[] => {
    const via = lanAddress(others.get(owner), familyOf(prefix));
    return via === undefined ? [] : [{ prefix, target: lanTarget([via], situation.lan.device) }];
  };
  return [
    ...situation.blocks.flatMap((block) => through(block.node, block.cidr)),
    ...situation.gateways.flatMap((gateway) =>
      situation.self.meshPrefixes.flatMap((prefix) =>
        (["WireGuard", "VXLAN"] as const).flatMap((tunnel) =>
          through(gateway.node, healthAddress(prefix, gateway.rank, tunnel)),
        ),
      ),
    ),
  ];
}

/**
 * On a node that is no gateway: every remote prefix over all local gateways. Plain multipath, for a nexthop object dies
 * with a carrier flap and stays dead, where `via` comes back by itself.
 */
export function remoteRoutes(situation: Situation): Route[] {
  const nodes = new Map(situation.nodes.map((node) => [node.name, node]));
  const targets = new Map(
    ([4, 6] as const).map((family) => {
      const vias = situation.gateways.map((gateway) => lanAddress(nodes.get(gateway.node), family));
      return [family, vias.filter((via) => via !== undefined)];
    }),
  );
  const routeTo = remoteRouter(situation);
  return situation.remotes.flatMap((remote) =>
    remote.prefixes.flatMap((prefix): Route[] => {
      const vias = targets.get(familyOf(prefix)) ?? [];
      return vias.length === 0 ? [] : [routeTo(remote, prefix, lanTarget(vias, situation.lan.device))];
    }),
  );
}

/**
 * Makes routes to remote prefixes: node-made packets leave with the node's mesh address, for a LAN source dies at the far
 * side. The addresses are looked up once, for a gateway may have thousands of such routes.
 */
export function remoteRouter(situation: Situation): (remote: Remote, prefix: string, target: RouteTarget) => Route {
  const own = ownMeshAddresses(situation);
  const sourceOf = (family: Family): string | undefined => own.find((cidr) => familyOf(cidr) === family)?.split("/")[0];
  const sources = { 4: sourceOf(4), 6: sourceOf(6) };
  return (remote, prefix, target) => ({ prefix, target, src: sources[familyOf(prefix)], mtu: remote.mtu });
}

/** This node's mesh addresses as host prefixes. */
export function ownMeshAddresses(situation: Situation): string[] {
  return situation.blocks
    .filter((block) => block.node === situation.node && block.purpose === "Mesh")
    .map((block) => block.cidr);
}

function lanAddress(node: ClusterNode | undefined, family: Family): string | undefined {
  return node?.addresses.find((address) => familyOf(address) === family)?.split("/")[0];
}

function lanTarget(vias: readonly string[], device: string): RouteTarget {
  return { kind: "multipath", hops: vias.toSorted().map((via) => ({ via, device })) };
}
