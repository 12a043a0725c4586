import type { MembershipStatus } from "../mesh/resources.ts";
import type { SelfRecord, View } from "../mesh/view-records.ts";
import type { MemberLevel } from "./member/level.ts";
import { wireOf } from "./mtu.ts";
import { ownMeshAddresses } from "./node/plan.ts";
import type { OpenPort } from "../tunnel/state.ts";
import { hasUnderlay, podSubnetsOf } from "./pod-subnets.ts";
import type { AskedSituation, Lan, OwnGateway, Reach } from "./situation.ts";
import { remoteOf, remotesOf } from "./situation.ts";

/** What a node knows by itself, beside its member's store. */
export interface OwnFacts {
  /** Cluster it was told it belongs to. */
  readonly cluster: string;
  readonly node: string;
  readonly lan: Lan;
  /** On a gateway node: its claim, and the last view it accepted. */
  readonly gateway?: { readonly own: OwnGateway | undefined; readonly view: View | undefined } | undefined;
  readonly openPorts: readonly OpenPort[];
  /** Addresses of gateways' endpoints that are names, see {@link Reach}; absent: nobody looks names up. */
  readonly resolved?: Reach["resolved"] | undefined;
  /** See {@link AskedSituation}. */
  readonly known: readonly string[];
}

/** The situation, or what is still missing of it: nothing is planned from half of it, for a plan prunes. */
export type Situated =
  | { readonly situation: AskedSituation; readonly missing?: never }
  | { readonly missing: string; readonly situation?: never };

/** Puts together what the store, the mailbox and the machine say. Pure. */
export function situate(level: MemberLevel, facts: OwnFacts): Situated {
  const { membership } = level;
  if (membership?.spec.phase !== "Joined")
    return { missing: "this cluster has not joined a mesh yet; run trestle join" };
  if (membership.spec.cluster !== facts.cluster) {
    return {
      missing: `this store is that of cluster "${membership.spec.cluster}", and this agent was told --cluster ${facts.cluster}`,
    };
  }
  if (facts.gateway !== undefined && facts.gateway.own === undefined)
    return { missing: "this gateway has no rank yet" };
  if (facts.gateway !== undefined && facts.gateway.view === undefined)
    return { missing: "no view was received from the hub yet" };
  const self = facts.gateway?.view?.self ?? selfOf(membership.spec.cluster, membership.status);
  if (self === undefined) return { missing: "the hub's answer to the join is not in the store yet" };
  const reach: Reach = { families: wireOf(facts.lan).families, resolved: facts.resolved ?? new Map() };
  const situation: AskedSituation = {
    node: facts.node,
    lan: facts.lan,
    self,
    nodes: level.nodes.map(({ metadata, spec }) => ({ name: metadata.name, addresses: spec.addresses })),
    blocks: level.blocks.map(({ spec }) => spec),
    podSubnets: podSubnetsOf(level),
    hasUnderlay: hasUnderlay(level),
    gateways: level.gateways.map(({ spec }) => spec),
    remotes: facts.gateway?.view
      ? remotesOf(facts.gateway.view, reach)
      : level.remotes.map(({ metadata, spec }) => remoteOf({ ...spec, name: metadata.name }, reach)),
    gateway: facts.gateway?.own,
    localCIDRs: membership.spec.localCIDRs,
    openPorts: facts.openPorts,
    known: facts.known,
  };
  if (ownMeshAddresses(situation).length < self.meshPrefixes.length)
    return { missing: "this node has not claimed its mesh address yet" };
  return { situation };
}

function selfOf(name: string, status: MembershipStatus): SelfRecord | undefined {
  const { number, podCIDRs, announcedCIDRs, meshPrefixes } = status;
  return number === undefined ? undefined : { name, number, podCIDRs, announcedCIDRs, meshPrefixes };
}
