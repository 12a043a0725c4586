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
  return situation.remotes.flatMap((remote) =>
    remote.prefixes.flatMap((prefix): Route[] => {
      const vias = targets.get(familyOf(prefix)) ?? [];
      return vias.length === 0 ? [] : [remoteRoute(situation, remote, prefix, lanTarget(vias, situation.lan.device))];
    }),
  );
}

/** A route to a remote prefix: node-made packets leave with the node's mesh address, for a LAN source dies at the far side. */
export function remoteRoute(situation: Situation, remote: Remote, prefix: string, target: RouteTarget): Route {
  return { prefix, target, src: ownMeshAddress(situation, familyOf(prefix)), mtu: remote.mtu };
}

/** This node's mesh address of one family, without length. */
function ownMeshAddress(situation: Situation, family: Family): string | undefined {
  return ownMeshAddresses(situation)
    .find((cidr) => familyOf(cidr) === family)
    ?.split("/")[0];
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
