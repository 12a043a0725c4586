import { randomBytes } from "node:crypto";
import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { ledgerKind } from "../../crds/ledger.ts";
import { admitCluster } from "../../mesh/ledger.ts";
import type { Admission } from "../../mesh/ledger.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import type { Cluster, GatewayRecord } from "../../mesh/resources.ts";
import { accepted, hasCode } from "../../platform/errors.ts";
import { openGate } from "../../platform/mailbox/gate.ts";
import { amendStatus } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";

/** Of every simulated cluster, for links to select them by. */
export const SIMULATED = { simulated: "yes" } as const;

const GATEWAYS = 3;
/** Room for 2,048 clusters; what labs take their addresses from lies elsewhere. By its name it is cut from first. */
const POOL = { name: "a-simulated", cidr: "10.128.0.0/9", clusterPrefixLength: 20 } as const;
/** Each is looked at by the light of the whole ledger first; many at once would wait for each other until they give up. */
const WRITES_AT_ONCE = 4;

export function clusterName(at: number): string {
  return `c${String(at).padStart(4, "0")}`;
}

/**
 * Lets `count` clusters of three gateways each join a hub's mesh, on paper: they stand in its store and its ledger as if
 * they had. The hub must have made its ledger.
 */
export async function seedMesh(store: ResourceStore, count: number): Promise<void> {
  const { name, ...range } = POOL;
  await store.create(cidrPoolKind, { metadata: { name }, spec: { ...range, purpose: "Pods" } });
  const pools = await store.list(cidrPoolKind);
  const ledger = await store.get(ledgerKind, SINGLETON_NAME);
  if (ledger === undefined) throw new Error("the hub has not made its ledger yet");
  let { spec } = ledger;
  const admissions = new Map<string, Admission>();
  for (let at = 0; at < count; at += 1) {
    const cluster = clusterName(at);
    const asked = { cluster, podCIDRs: [], families: [4] as const, allowedCIDRs: [], localCIDRs: [] };
    const admission = accepted(admitCluster(spec, pools, asked));
    admissions.set(cluster, admission);
    spec = admission.ledger;
  }
  await store.update(ledgerKind, { ...ledger, spec });
  const gate = openGate(WRITES_AT_ONCE);
  await Promise.all([...admissions].map(([cluster, admission]) => gate(() => writeCluster(store, cluster, admission))));
}

async function writeCluster(store: ResourceStore, name: string, admission: Admission): Promise<void> {
  const spec = { podCIDRs: [], allowedCIDRs: [], localCIDRs: [], paused: false };
  await store.create(clusterKind, { metadata: { name, labels: SIMULATED }, spec }).catch((error: unknown) => {
    // On a busy machine an answer may be late, and the hub has written its status into what was made.
    if (!hasCode(error, "already-exists")) throw error;
  });
  const { number, podCIDRs, meshPrefixes } = admission;
  const identity = { userKey: `U${"A".repeat(55)}`, signingKey: randomBytes(32).toString("base64url"), tokenID: name };
  const gateways = Array.from({ length: GATEWAYS }, (_, rank) => gatewayOf(number, rank));
  await amendStatus(store, clusterKind, name, ({ status }) => ({
    ...status,
    number,
    podCIDRs,
    meshPrefixes,
    identity,
    gateways,
  }));
}

/** Its endpoint is of the range for benchmarks, RFC 2544, and nobody's. */
function gatewayOf(cluster: number, rank: number): GatewayRecord {
  return {
    name: `gateway-${rank}`,
    rank,
    endpoints: [`198.18.${cluster >> 6}.${((cluster & 63) << 2) + rank}`],
    behindNAT: false,
    basePort: 51_820,
    publicKey: newKey(),
  };
}

/** As when a gateway rotates its key; by the new one a page that tells of it is known. */
export async function changeKey(store: ResourceStore, name: string, publicKey: string): Promise<void> {
  await amendStatus(store, clusterKind, name, ({ status }: Cluster) => ({
    ...status,
    gateways: status.gateways.map((gateway) => (gateway.rank === 0 ? { ...gateway, publicKey } : gateway)),
  }));
}

export function newKey(): string {
  return randomBytes(32).toString("base64");
}
