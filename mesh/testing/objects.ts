import type { AdmissionRequest } from "../admission-request.ts";
import type {
  CIDRPool,
  CIDRPoolSpec,
  Cluster,
  ClusterLink,
  ClusterLinkSpec,
  ClusterSpec,
  ClusterStatus,
  Metadata,
} from "../resources.ts";
import { API_VERSION } from "../resources.ts";

/** Objects for tests, as a store would give them. */

export function metadata(name: string, changes: Partial<Metadata> = {}): Metadata {
  return {
    name,
    uid: `uid-${name}`,
    resourceVersion: "1",
    generation: 1,
    creationTimestamp: "2026-01-01T00:00:00Z",
    finalizers: [],
    labels: {},
    annotations: {},
    ...changes,
  };
}

export function cluster(
  name: string,
  {
    labels = {},
    spec,
    status,
  }: { labels?: Record<string, string>; spec?: Partial<ClusterSpec>; status?: Partial<ClusterStatus> } = {},
): Cluster {
  return {
    apiVersion: API_VERSION,
    kind: "Cluster",
    metadata: metadata(name, { labels }),
    spec: { podCIDRs: [], allowedCIDRs: [], localCIDRs: [], paused: false, ...spec },
    status: { podCIDRs: [], meshPrefixes: [], gateways: [], revision: {}, conditions: [], ...status },
  };
}

export function link(
  name: string,
  spec: Partial<ClusterLinkSpec>,
  creationTimestamp = "2026-01-01T00:00:00Z",
): ClusterLink {
  return {
    apiVersion: API_VERSION,
    kind: "ClusterLink",
    metadata: metadata(name, { creationTimestamp }),
    spec: { tunnel: "WireGuard", ...spec },
    status: { pairs: { Up: 0, Degraded: 0, Doubtful: 0, Unreachable: 0, Pending: 0 }, worst: [], conditions: [] },
  };
}

export function pool(
  name: string,
  cidr: string,
  clusterPrefixLength: number,
  purpose: CIDRPoolSpec["purpose"] = "Pods",
): CIDRPool {
  return {
    apiVersion: API_VERSION,
    kind: "CIDRPool",
    metadata: metadata(name),
    spec: { cidr, clusterPrefixLength, purpose },
    status: { total: 0, allocated: 0, free: 0, conditions: [] },
  };
}

/** A cluster that asks for an IPv4 block and no more. */
export function request(cluster: string, changes: Partial<AdmissionRequest> = {}): AdmissionRequest {
  return { cluster, podCIDRs: [], families: [4], allowedCIDRs: [], localCIDRs: [], ...changes };
}
