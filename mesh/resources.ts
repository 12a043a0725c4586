/**
 * The plain types of everything Trestle stores (API group trestle.dev/v1alpha1, all cluster-scoped). The schemas in
 * `crds/` `satisfies` these; nothing here parses or validates. CIDRs and addresses are canonical text
 * (RFC 5952 for IPv6, no host bits set), times are RFC 3339.
 */

export type Family = 4 | 6;
/** Every kind of tunnel there is. */
export const TUNNEL_KINDS = ["WireGuard", "VXLAN"] as const;
export type TunnelKind = (typeof TUNNEL_KINDS)[number];

export const API_VERSION = "trestle.dev/v1alpha1";

/** What Kubernetes calls ObjectMeta, cut to what Trestle uses; the embedded store keeps the same shape. */
export interface Metadata {
  readonly name: string;
  readonly uid: string;
  readonly resourceVersion: string;
  /** Grows with each change of spec; status writes leave it. */
  readonly generation: number;
  readonly creationTimestamp: string;
  readonly deletionTimestamp?: string | undefined;
  readonly finalizers: readonly string[];
  readonly labels: Readonly<Record<string, string>>;
  readonly annotations: Readonly<Record<string, string>>;
}

/** One observed fact. `reason` is CamelCase for programs, `message` a sentence a person can act on. */
export interface Condition {
  readonly type: string;
  readonly status: "True" | "False" | "Unknown";
  readonly reason: string;
  readonly message: string;
  readonly lastTransitionTime: string;
}

export interface Resource<Kind extends string, Spec, Status> {
  readonly apiVersion: typeof API_VERSION;
  readonly kind: Kind;
  readonly metadata: Metadata;
  readonly spec: Spec;
  readonly status: Status;
}

// ---- hub -----------------------------------------------------------------------------------------------------------

export interface CIDRPoolSpec {
  readonly cidr: string;
  /** Length of the block a cluster gets unless it asks for another. */
  readonly clusterPrefixLength: number;
  /** `Pods` feeds pod CIDRs, `Mesh` the mesh prefixes (health and node addresses). */
  readonly purpose: "Pods" | "Mesh";
}
/** Counted in blocks of `clusterPrefixLength`; `free` counts whole free ones. */
export interface CIDRPoolStatus {
  readonly total: number;
  readonly allocated: number;
  readonly free: number;
  readonly conditions: readonly Condition[];
}

export interface ClusterSpec {
  /** What the cluster declared; empty: the hub assigns. */
  readonly podCIDRs: readonly string[];
  /** What it may announce beyond its pod CIDRs: underlay ranges, external ones. */
  readonly allowedCIDRs: readonly string[];
  /** Its LANs and Services: never announced, nothing may overlap them. */
  readonly localCIDRs: readonly string[];
  /** A paused cluster's view is frozen: the hub publishes it nothing new. */
  readonly paused: boolean;
}
export interface ClusterStatus {
  /** 16 bit, sticky, from 1; names the cluster in nexthop group ids and VXLAN MACs. */
  readonly number?: number | undefined;
  readonly podCIDRs: readonly string[];
  /** One a family, out of all pod CIDRs. */
  readonly meshPrefixes: readonly string[];
  readonly gateways: readonly GatewayRecord[];
  /** Whose word the hub takes for this cluster's. Set at join, never replaced by a second join. */
  readonly identity?: MemberIdentity | undefined;
  readonly revision: { readonly desired?: Revision | undefined; readonly applied?: Revision | undefined };
  readonly lastSeen?: string | undefined;
  readonly conditions: readonly Condition[];
}

/** The public halves of a member's keys. */
export interface MemberIdentity {
  /** NATS user public key (U…). */
  readonly userKey: string;
  /** Ed25519, raw 32 bytes, base64url. */
  readonly signingKey: string;
  readonly tokenID: string;
}

/** (epoch, generation), ordered: the epoch is the hub's term, the generation counts the changes of one member's view. */
export interface Revision {
  readonly epoch: number;
  readonly generation: number;
}

/** Clusters by name or by label; both given: either suffices. */
export interface ClusterSelection {
  readonly names?: readonly string[] | undefined;
  readonly matchLabels?: Readonly<Record<string, string>> | undefined;
}
/** `members` alone is a full mesh among them; `from` and `to` together is hub-and-spoke (every from to every to). */
export interface ClusterLinkSpec {
  readonly members?: ClusterSelection | undefined;
  readonly from?: ClusterSelection | undefined;
  readonly to?: ClusterSelection | undefined;
  readonly tunnel: TunnelKind;
  /** Path MTU in bytes between the sites where it is known to be smaller than the LANs'. */
  readonly mtu?: number | undefined;
}
export interface ClusterLinkStatus {
  readonly pairs: PairCounts;
  /** The worst 50 pairs; all of them come from a query to the hub. */
  readonly worst: readonly PairStatus[];
  readonly conditions: readonly Condition[];
}

/** `Doubtful`: nothing proven, devices there. `Unreachable`: device, key or peer gone, or no gateway. */
export type PairState = "Up" | "Degraded" | "Doubtful" | "Unreachable" | "Pending";
export type PairCounts = Readonly<Record<PairState, number>>;

/** What one member says of its paths to another; directional. */
export interface PairStatus {
  readonly from: string;
  readonly to: string;
  readonly tunnel: TunnelKind;
  readonly state: PairState;
  readonly reason: string;
  readonly message: string;
  readonly since: string;
  /** Milliseconds; absent until heartbeats measured it. */
  readonly rttMs?: number | undefined;
  /** 0 to 1; absent until heartbeats measured it. */
  readonly loss?: number | undefined;
  /** Bytes; absent until it was measured. */
  readonly pathMTU?: number | undefined;
}

export interface JoinTokenSpec {
  readonly cluster: string;
  /** Pod CIDRs the bearer may declare; empty: only what the hub assigns. */
  readonly podCIDRs: readonly string[];
  readonly expiresAt: string;
  /** NATS user public key (nkey, U…) of the join-only user; the seed exists only in the printed token. */
  readonly publicKey: string;
}
export interface JoinTokenStatus {
  /** NATS user public key of the member that redeemed it. */
  readonly usedBy?: string | undefined;
  readonly usedAt?: string | undefined;
}

/** Every prefix and cluster number of the mesh, one object: its compare-and-swap decides who owns what. */
export interface LedgerSpec {
  readonly rows: readonly LedgerRow[];
  readonly numbers: readonly { readonly cluster: string; readonly number: number }[];
}
export interface LedgerRow {
  readonly prefix: string;
  readonly cluster: string;
  readonly use: LedgerUse;
  /** CIDRPool it was cut from, for `assigned` and `mesh`. */
  readonly pool?: string | undefined;
}
/** assigned by the hub | declared at join | announced beyond pods | local to a site | mesh prefix */
export type LedgerUse = "assigned" | "declared" | "announced" | "local" | "mesh";

// ---- member --------------------------------------------------------------------------------------------------------

/** What every agent of a member may know of its membership; secrets live in {@link CredentialSpec}. One object, `mesh`. */
export interface MembershipSpec {
  readonly mesh: string;
  readonly cluster: string;
  /** `Left` is the word to every agent to take its kernel state away; a missing object is not. */
  readonly phase: "Joining" | "Joined" | "Left";
  /** What the cluster declared of its LANs and Services at join: no route of a peer may lie over them. */
  readonly localCIDRs: readonly string[];
}
export interface MembershipStatus {
  readonly number?: number | undefined;
  readonly podCIDRs: readonly string[];
  /** What this cluster may announce beyond its pod CIDRs, as the hub says in its view. */
  readonly announcedCIDRs: readonly string[];
  readonly meshPrefixes: readonly string[];
  /** Of the view that the member controller last wrote. */
  readonly revision?: Revision | undefined;
}

/** The member's own keys and what it pins of the hub; a Secret on Kubernetes, one object `mesh` in an embedded store. */
export interface CredentialSpec {
  readonly mesh: string;
  readonly cluster: string;
  readonly natsURLs: readonly string[];
  /** PEM of the hub's CA. */
  readonly ca: string;
  /** Hub's Ed25519 signing key, raw 32 bytes, base64url. */
  readonly hubKey: string;
  /** NATS user seed (SU…) and, once joined, its JWT. */
  readonly userSeed: string;
  readonly userJWT?: string | undefined;
  /** Of a user that can do nothing but ask for a new `userJWT`; it has no end. */
  readonly renewJWT?: string | undefined;
  /** Seed of the Ed25519 key that signs this member's messages: raw 32 bytes, base64url. */
  readonly signingSeed: string;
  /** Join token these keys were made for, so that a retry presents the same keys. */
  readonly tokenID: string;
}

/** Named `rank-<r>`: creating it claims the lowest free rank. */
export interface GatewaySpec {
  readonly node: string;
  readonly rank: number;
}
export interface GatewayStatus {
  readonly publicKey?: string | undefined;
  readonly endpoints: readonly string[];
  readonly behindNAT: boolean;
  readonly basePort?: number | undefined;
  readonly appliedRevision?: Revision | undefined;
  readonly peers: readonly PairStatus[];
}

export interface RemoteClusterSpec {
  readonly number: number;
  /** Pod CIDRs, announced ranges and mesh prefixes alike. */
  readonly prefixes: readonly string[];
  readonly meshPrefixes: readonly string[];
  readonly gateways: readonly GatewayRecord[];
  readonly tunnel: TunnelKind;
  readonly mtu?: number | undefined;
  readonly revision: Revision;
}
export interface RemoteClusterStatus {
  readonly state: PairState;
}

/** A machine of an embedded member (on Kubernetes: the Node object). */
export interface NodeSpec {
  /** LAN addresses with prefix length, e.g. 10.1.0.10/24. */
  readonly addresses: readonly string[];
}
export interface NodeStatus {
  readonly meshAddresses: readonly string[];
  readonly appliedRevision?: Revision | undefined;
  readonly lastSeen?: string | undefined;
}

/** Who may issue from a range, and where it is routed. Named by its CIDR ({@link objectNameOfCidr}). */
export interface IPBlockSpec {
  readonly cidr: string;
  readonly node: string;
  /** `Pods` for pod addresses, `Mesh` for a node's mesh address. */
  readonly purpose: "Pods" | "Mesh";
}
/** Absent until its owner's IPAM counts them. */
export interface IPBlockStatus {
  readonly used?: number | undefined;
  readonly free?: number | undefined;
  /** Reserved addresses and ranges of it that its owner, also one that starts again, gives to nobody who does not name them. */
  readonly withheld?: readonly string[] | undefined;
}

export type CIDRPool = Resource<"CIDRPool", CIDRPoolSpec, CIDRPoolStatus>;
export type Cluster = Resource<"Cluster", ClusterSpec, ClusterStatus>;
export type ClusterLink = Resource<"ClusterLink", ClusterLinkSpec, ClusterLinkStatus>;
export type JoinToken = Resource<"JoinToken", JoinTokenSpec, JoinTokenStatus>;
export type Ledger = Resource<"Ledger", LedgerSpec, Record<string, never>>;
export type Membership = Resource<"Membership", MembershipSpec, MembershipStatus>;
export type Credential = Resource<"Credential", CredentialSpec, Record<string, never>>;
export type Gateway = Resource<"Gateway", GatewaySpec, GatewayStatus>;
export type RemoteCluster = Resource<"RemoteCluster", RemoteClusterSpec, RemoteClusterStatus>;
export type MeshNode = Resource<"Node", NodeSpec, NodeStatus>;
export type IPBlock = Resource<"IPBlock", IPBlockSpec, IPBlockStatus>;

// ---- what the hub publishes ----------------------------------------------------------------------------------------

/** A gateway as its peers need it. */
export interface GatewayRecord {
  /** Node it runs on. */
  readonly name: string;
  /** Lowest free when it was claimed, sticky, below {@link MAX_RANKS}. */
  readonly rank: number;
  /** Addresses or DNS names peers dial, without port, the preferred one first; empty: it can't be dialled, it dials. */
  readonly endpoints: readonly string[];
  /** Its packets arrive from other addresses or ports than it sends them from: no VXLAN to there. */
  readonly behindNAT: boolean;
  /** It listens on `basePort + r` for remote rank r; peers dial `basePort + their own rank`. */
  readonly basePort: number;
  /** WireGuard public key, base64. */
  readonly publicKey: string;
}

/** Ranks run from 0 to MAX_RANKS - 1; a mesh prefix keeps its first addresses for their health addresses. */
export const MAX_RANKS = 16;
