import { isDeepStrictEqual } from "node:util";
import { gatewayKind } from "../../crds/gateway.ts";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { membershipKind } from "../../crds/membership.ts";
import { networkKind } from "../../crds/network.ts";
import { nodeKind } from "../../crds/node.ts";
import { remoteClusterKind } from "../../crds/remote-cluster.ts";
import { subnetKind } from "../../crds/subnet.ts";
import type { Network, Subnet } from "../../mesh/ipam/resources.ts";
import type { Gateway, IPBlock, Membership, MeshNode, Metadata, RemoteCluster } from "../../mesh/resources.ts";
import type { Change, ResourceStore } from "../../platform/store/port.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";

/** What the cluster's own store says at this moment: what any agent of the member may know. */
export interface MemberLevel {
  readonly membership: Membership | undefined;
  readonly nodes: readonly MeshNode[];
  readonly blocks: readonly IPBlock[];
  readonly gateways: readonly Gateway[];
  readonly remotes: readonly RemoteCluster[];
  readonly networks: readonly Network[];
  readonly subnets: readonly Subnet[];
}

export interface MemberWatch {
  /** After the first full list of every kind. */
  readonly synced: Promise<void>;
  readonly level: () => MemberLevel;
  readonly done: Promise<void>;
}

/** Which part of the level is another now. */
export type MemberChange = keyof MemberLevel;

/** Watches every kind that decides a node's data path. */
export function watchMember(
  store: ResourceStore,
  onChange: (change: MemberChange) => void,
  signal: AbortSignal,
): MemberWatch {
  const memberships = store.watch(membershipKind, () => onChange("membership"), signal);
  const nodes = store.watch(nodeKind, () => onChange("nodes"), signal);
  const blocks = store.watch(
    ipBlockKind,
    ofSpecs(() => onChange("blocks")),
    signal,
  );
  const gateways = store.watch(gatewayKind, () => onChange("gateways"), signal);
  const remotes = store.watch(remoteClusterKind, () => onChange("remotes"), signal);
  const networks = store.watch(networkKind, () => onChange("networks"), signal);
  const subnets = store.watch(subnetKind, () => onChange("subnets"), signal);
  const all = [memberships, nodes, blocks, gateways, remotes, networks, subnets];
  return {
    synced: Promise.all(all.map((watch) => watch.synced)).then(() => undefined),
    done: Promise.all(all.map((watch) => watch.done)).then(() => undefined),
    level: () => ({
      membership: memberships.objects.get(SINGLETON_NAME),
      nodes: [...nodes.objects.values()],
      blocks: [...blocks.objects.values()],
      gateways: [...gateways.objects.values()],
      remotes: [...remotes.objects.values()],
      networks: [...networks.objects.values()],
      subnets: [...subnets.objects.values()],
    }),
  };
}

const KINDS = ["nodes", "blocks", "gateways", "remotes", "networks", "subnets"] as const;

/** Leaves changes of status away: blocks are counted all the time, and that wakes nobody. */
function ofSpecs(onChange: () => void): (change: Change<IPBlock>) => void {
  const seen = new Map<string, string>();
  return (change) => {
    if (change.op === "delete") seen.delete(change.name);
    else {
      const { uid, generation } = change.object.metadata;
      if (seen.get(change.name) === `${uid} ${generation}`) return;
      seen.set(change.name, `${uid} ${generation}`);
    }
    onChange();
  };
}

/** True when two levels ask for the same data path: by names, generations and labels alone, whatever statuses say. */
export function saysTheSame(one: MemberLevel, other: MemberLevel): boolean {
  const membership = [one.membership, other.membership].map((each) => each?.metadata);
  return (
    membership[0]?.uid === membership[1]?.uid &&
    // What its status says of numbers and prefixes counts, too.
    membership[0]?.resourceVersion === membership[1]?.resourceVersion &&
    KINDS.every((kind) => sameObjects(one[kind], other[kind]))
  );
}

function sameObjects(some: readonly Versioned[], others: readonly Versioned[]): boolean {
  return (
    some.length === others.length &&
    some.every(({ metadata: { uid, generation, labels } }, at) => {
      const other = others[at]?.metadata;
      return other?.uid === uid && other.generation === generation && isDeepStrictEqual(other.labels, labels);
    })
  );
}

type Versioned = { readonly metadata: Pick<Metadata, "uid" | "generation" | "labels"> };
