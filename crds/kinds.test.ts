import { expect, test } from "@jest/globals";
import type { KindDefinition } from "./kind.ts";
import type { AnyResource } from "./kind.ts";
import { hubKinds, memberKinds } from "./kinds.ts";
import type { Namespace, Pod, Workload } from "../mesh/ipam/pods.ts";
import type { IPInstance, Network, Subnet } from "../mesh/ipam/resources.ts";
import type {
  CIDRPool,
  Cluster,
  ClusterLink,
  Credential,
  Gateway,
  IPBlock,
  JoinToken,
  Ledger,
  Membership,
  MeshNode,
  RemoteCluster,
} from "../mesh/resources.ts";
import { metadata } from "../mesh/testing/objects.ts";
import type { ResourceKind, StoredObject } from "../platform/store/port.ts";

/** With every optional field there: a field added to mesh's types and not to the schema fails to compile here, then fails the test. */
type Full<T> = T extends readonly (infer E)[]
  ? readonly Full<E>[]
  : T extends object
    ? { [K in keyof T]-?: Full<Exclude<T[K], undefined>> }
    : T;
type Parts<T extends AnyResource> = { readonly spec: Full<T["spec"]>; readonly status: Full<T["status"]> };

const gateways = [
  { name: "node-1", rank: 0, endpoints: ["192.0.2.1"], behindNAT: false, basePort: 51820, publicKey: "key" },
];
const revision = { epoch: 1, generation: 2 };
const conditions = [
  { type: "Ready", status: "True", reason: "Joined", message: "all well", lastTransitionTime: "2026-01-01T00:00:00Z" },
] as const;
const pair = {
  from: "east",
  to: "west",
  tunnel: "VXLAN",
  state: "Up",
  reason: "Heartbeat",
  message: "all paths are up",
  since: "2026-01-01T00:00:00Z",
  rttMs: 0.4,
  loss: 0.01,
  pathMTU: 1420,
} as const;
const selection = { names: ["east", "west"], matchLabels: { region: "eu" } };

const CIDR_POOL: Parts<CIDRPool> = {
  spec: { cidr: "10.0.0.0/8", clusterPrefixLength: 16, purpose: "Mesh" },
  status: { total: 256, allocated: 1, free: 255, conditions },
};
const CLUSTER: Parts<Cluster> = {
  spec: { podCIDRs: ["10.4.0.0/16"], allowedCIDRs: ["192.0.2.0/28"], localCIDRs: ["192.168.1.0/24"], paused: true },
  status: {
    number: 1,
    podCIDRs: ["10.4.0.0/16"],
    meshPrefixes: ["172.16.0.0/24"],
    gateways,
    identity: { userKey: "U", signingKey: "key", tokenID: "east-1" },
    revision: { desired: revision, applied: revision },
    lastSeen: "2026-01-01T00:00:00Z",
    conditions,
  },
};
const CLUSTER_LINK: Parts<ClusterLink> = {
  spec: { members: selection, from: selection, to: selection, tunnel: "VXLAN", mtu: 1400 },
  status: { pairs: { Up: 1, Degraded: 2, Doubtful: 3, Unreachable: 4, Pending: 5 }, worst: [pair], conditions },
};
const JOIN_TOKEN: Parts<JoinToken> = {
  spec: { cluster: "east", podCIDRs: ["10.4.0.0/16"], expiresAt: "2026-01-01T00:00:00Z", publicKey: "U" },
  status: { usedBy: "U", usedAt: "2026-01-01T00:00:00Z" },
};
const LEDGER: Parts<Ledger> = {
  spec: {
    rows: [{ prefix: "10.4.0.0/16", cluster: "east", use: "assigned", pool: "pods" }],
    numbers: [{ cluster: "east", number: 1 }],
  },
  status: {},
};
const MEMBERSHIP: Parts<Membership> = {
  spec: { mesh: "m", cluster: "east", phase: "Joined", localCIDRs: [] },
  status: {
    number: 1,
    podCIDRs: ["10.4.0.0/16"],
    announcedCIDRs: ["192.168.7.16/28"],
    meshPrefixes: ["172.16.0.0/24"],
    revision,
  },
};
const CREDENTIAL: Parts<Credential> = {
  spec: {
    mesh: "m",
    cluster: "east",
    natsURLs: ["tls://192.0.2.1:4222"],
    ca: "PEM",
    hubKey: "key",
    userSeed: "SU",
    renewJWT: "eyJ",
    userJWT: "jwt",
    signingSeed: "seed",
    tokenID: "east-1",
  },
  status: {},
};
const GATEWAY: Parts<Gateway> = {
  spec: { node: "node-1", rank: 0 },
  status: {
    publicKey: "key",
    endpoints: ["192.0.2.1"],
    behindNAT: false,
    basePort: 51820,
    appliedRevision: revision,
    peers: [pair],
  },
};
const REMOTE_CLUSTER: Parts<RemoteCluster> = {
  spec: {
    number: 2,
    prefixes: ["10.5.0.0/16", "172.16.1.0/24"],
    meshPrefixes: ["172.16.1.0/24"],
    gateways,
    tunnel: "VXLAN",
    mtu: 1400,
    revision,
  },
  status: { state: "Up" },
};
const NODE: Parts<MeshNode> = {
  spec: { addresses: ["192.168.1.10/24"] },
  status: { meshAddresses: ["172.16.0.33/32"], appliedRevision: revision, lastSeen: "2026-01-01T00:00:00Z" },
};
const IP_BLOCK: Parts<IPBlock> = {
  spec: { cidr: "10.4.1.0/24", node: "node-1", purpose: "Mesh" },
  status: { used: 1, free: 255, withheld: ["10.4.1.8-10.4.1.15"] },
};
const counts = { total: 4, used: 1, available: 3 };
const NETWORK: Parts<Network> = {
  spec: { type: "Underlay", nodeSelector: { rack: "1" } },
  status: { ipv4: counts, ipv6: counts, lastAllocatedSubnet: "hall", conditions },
};
const SUBNET: Parts<Subnet> = {
  spec: {
    network: "lan",
    cidr: "192.168.1.0/24",
    range: { start: "192.168.1.8", end: "192.168.1.15" },
    gateway: "192.168.1.1",
    excludeIPs: ["192.168.1.9"],
    reservedIPs: ["192.168.1.10-192.168.1.11"],
    blockSize: 28,
    private: true,
    disabled: true,
    nodeSelector: { rack: "1" },
    masquerade: false,
    checkGateway: true,
  },
  status: { ...counts, conditions },
};
const IP_INSTANCE: Parts<IPInstance> = {
  spec: {
    address: "192.168.1.8",
    subnet: "hall",
    network: "lan",
    node: "node-1",
    pod: { namespace: "shop", name: "web-0", uid: "u" },
    owner: { kind: "StatefulSet", name: "web", uid: "u" },
    attachment: { sandbox: "s", interface: "eth0" },
    retained: true,
    interface: "eth0",
  },
  status: { phase: "Retained" },
};
const POD: Parts<Pod> = {
  spec: { namespace: "shop", name: "web-0", node: "node-1", owner: { kind: "StatefulSet", name: "web", uid: "u" } },
  status: {},
};
const NAMESPACE: Parts<Namespace> = { spec: {}, status: {} };
const WORKLOAD: Parts<Workload> = {
  spec: { kind: "StatefulSet", namespace: "shop", name: "web" },
  status: {},
};
const FULL: Readonly<Record<string, { readonly spec: unknown; readonly status: unknown }>> = {
  CIDRPool: CIDR_POOL,
  Cluster: CLUSTER,
  ClusterLink: CLUSTER_LINK,
  JoinToken: JOIN_TOKEN,
  Ledger: LEDGER,
  Membership: MEMBERSHIP,
  Credential: CREDENTIAL,
  Gateway: GATEWAY,
  RemoteCluster: REMOTE_CLUSTER,
  Node: NODE,
  IPBlock: IP_BLOCK,
  Network: NETWORK,
  Subnet: SUBNET,
  IPInstance: IP_INSTANCE,
  Pod: POD,
  Namespace: NAMESPACE,
  Workload: WORKLOAD,
};

/** Compiles only while every kind is what a store's port asks for, as itself and as one of many. */
const ALL: readonly ResourceKind<StoredObject>[] = [...hubKinds, ...memberKinds];
const [pools]: readonly [ResourceKind<CIDRPool>, ...(typeof ALL)[number][]] = hubKinds;

test("kinds have names and plurals of their own", () => {
  expect(pools.kind).toBe("CIDRPool");
  expect(ALL.map(({ kind }) => kind).toSorted()).toEqual(Object.keys(FULL).toSorted());
  expect(new Set(ALL.map(({ plural }) => plural)).size).toBe(ALL.length);
  expect(ALL.every(({ plural }) => /^[a-z]+s$/.test(plural))).toBe(true);
});

test.each(ALL)("an object of kind $kind with every field there is read as it is", ({ kind, apiVersion, parse }) => {
  const object = {
    apiVersion,
    kind,
    metadata: metadata("mesh", { deletionTimestamp: "2026-01-01T00:00:00Z", finalizers: ["f"], labels: { a: "b" } }),
    ...FULL[kind],
  };
  expect(parse(object)).toEqual(object);
});

test.each(ALL)("a new object of kind $kind has the empty status", ({ kind, apiVersion, emptyStatus, parse }) => {
  const draft = { apiVersion, kind, metadata: { name: "mesh" }, spec: FULL[kind]?.spec };
  expect(parse(draft)).toMatchObject({ status: emptyStatus, metadata: { generation: 1, labels: {} } });
  expect(parse({ ...draft, status: null }).status).toEqual(emptyStatus);
});

test.each(ALL as readonly KindDefinition<AnyResource>[])(
  "the schemas of kind $kind can become a CRD's",
  ({ schema }) => {
    const options = { target: "openapi-3.0", io: "input", reused: "inline", unrepresentable: "throw" } as const;
    expect(JSON.stringify([schema.spec.toJSONSchema(options), schema.status.toJSONSchema(options)])).not.toMatch(
      /oneOf|anyOf|\$ref/,
    );
  },
);
