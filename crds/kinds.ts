import { cidrPoolKind } from "./cidr-pool.ts";
import { clusterLinkKind } from "./cluster-link.ts";
import { clusterKind } from "./cluster.ts";
import { credentialKind } from "./credential.ts";
import { gatewayKind } from "./gateway.ts";
import { ipBlockKind } from "./ip-block.ts";
import { ipInstanceKind } from "./ip-instance.ts";
import { joinTokenKind } from "./join-token.ts";
import { ledgerKind } from "./ledger.ts";
import { membershipKind } from "./membership.ts";
import { namespaceKind } from "./namespace.ts";
import { networkKind } from "./network.ts";
import { nodeKind } from "./node.ts";
import { podKind } from "./pod.ts";
import { remoteClusterKind } from "./remote-cluster.ts";
import { subnetKind } from "./subnet.ts";
import { workloadKind } from "./workload.ts";

/** What a hub's store holds. */
export const hubKinds = [cidrPoolKind, clusterKind, clusterLinkKind, joinTokenKind, ledgerKind] as const;

/** What a member's store holds. */
export const memberKinds = [
  membershipKind,
  credentialKind,
  gatewayKind,
  remoteClusterKind,
  nodeKind,
  ipBlockKind,
  networkKind,
  subnetKind,
  ipInstanceKind,
  podKind,
  namespaceKind,
  workloadKind,
] as const;
