import { isDeepStrictEqual } from "node:util";
import type { DataPath } from "../tunnel/state.ts";
import { planFirewall } from "./firewall-plan.ts";
import type { GatewayVantage } from "./gateway/plan.ts";
import { gatewayVantage, ownHealthAddresses, planForGateway } from "./gateway/plan.ts";
import { vxlanDevices } from "./gateway/vxlan-plan.ts";
import { wireGuardInterfaces } from "./gateway/wireguard-plan.ts";
import { wireOf } from "./mtu.ts";
import type { Neighbour } from "./node/neighbours.ts";
import { neighboursOf, nodeVxlanDevices } from "./node/neighbours.ts";
import type { NodeVantage } from "./node/plan.ts";
import { neighbourRoutes, nodeVantage, ownBackstops, ownMeshAddresses, planForNode } from "./node/plan.ts";
import { underlayRoutes } from "./node/underlay-routes.ts";
import type { RemotePlan } from "./remote-plan.ts";
import type { Remote, Situation } from "./situation.ts";
import { planSysctls } from "./sysctl-plan.ts";

type Vantage = { readonly gateway: GatewayVantage } | { readonly node: NodeVantage };
interface Planned {
  readonly remote: Remote;
  readonly plan: RemotePlan;
}

/** What this node's kernel shall hold. Pure: the same situation gives the same data path. */
export function planDataPath(situation: Situation): DataPath {
  return dataPathPlanner()(situation);
}

/**
 * {@link planDataPath} with a memory. The plan of a linked cluster follows from that cluster and from where the node
 * stands, so as long as both are what they were (be they other objects), it is taken over: the very same routes, peers
 * and nexthops, which whoever compares two data paths can tell by identity. With a thousand linked clusters one change
 * then costs a few milliseconds.
 */
export function dataPathPlanner(): (situation: Situation) => DataPath {
  let from: Vantage | undefined;
  let known: ReadonlyMap<string, Planned> = new Map();
  return (situation) => {
    const neighbours = neighboursOf(situation);
    const vantage = vantageOf(situation, neighbours);
    if (!isDeepStrictEqual(vantage, from)) known = new Map();
    from = vantage;
    const planned = situation.remotes.map((remote): Planned => {
      const before = known.get(remote.name);
      return before !== undefined && isDeepStrictEqual(before.remote, remote)
        ? before
        : { remote, plan: planRemote(remote, vantage) };
    });
    known = new Map(planned.map((each) => [each.remote.name, each]));
    return assemble(situation, neighbours, planned);
  };
}

function vantageOf(situation: Situation, neighbours: ReadonlyMap<string, Neighbour>): Vantage {
  return situation.gateway === undefined
    ? { node: nodeVantage(situation, neighbours) }
    : { gateway: gatewayVantage(situation, situation.gateway) };
}

function planRemote(remote: Remote, vantage: Vantage): RemotePlan {
  return "gateway" in vantage ? planForGateway(remote, vantage.gateway) : planForNode(remote, vantage.node);
}

function assemble(
  situation: Situation,
  neighbours: ReadonlyMap<string, Neighbour>,
  planned: readonly Planned[],
): DataPath {
  const own = situation.gateway;
  const wireGuardPeers = planned.flatMap(({ plan }) => plan.wireGuard);
  const vxlanPeers = planned.flatMap(({ plan }) => plan.vxlan);
  const wireGuard = own ? wireGuardInterfaces(own, wireOf(situation.lan), wireGuardPeers) : [];
  const vxlan = {
    mesh: own ? vxlanDevices(situation, own, vxlanPeers) : [],
    nodes: nodeVxlanDevices(situation, neighbours),
  };
  const meshAddresses = [...ownMeshAddresses(situation), ...(own ? ownHealthAddresses(situation, own) : [])];
  // A WireGuard interface is next hop to many clusters, and one object.
  const nexthops = new Map(planned.flatMap(({ plan }) => plan.nexthops.map((nexthop) => [nexthop.id, nexthop])));
  const devices = [...wireGuard, ...vxlan.mesh, ...vxlan.nodes].map(({ name }) => name);
  return {
    wireGuard,
    vxlan: [...vxlan.mesh, ...vxlan.nodes],
    meshAddresses,
    nexthops: [...nexthops.values()],
    routes: [
      ...ownBackstops(situation),
      ...neighbourRoutes(situation, neighbours),
      ...underlayRoutes(situation, neighbours),
      ...planned.flatMap(({ plan }) => plan.routes),
    ],
    firewall: planFirewall(situation, meshAddresses, neighbours, vxlan, planned),
    sysctls: planSysctls(situation, devices),
  };
}
