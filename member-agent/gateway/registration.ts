import { gatewayKind } from "../../crds/gateway.ts";
import { lowestFreeRank } from "../../mesh/mesh-prefix.ts";
import type { Gateway, GatewayRecord } from "../../mesh/resources.ts";
import { hasCode, MeshError } from "../../platform/errors.ts";
import { amendStatus } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";

/**
 * The Gateway object of this node, claimed when it has none: named by the lowest free rank, so that creating it decides.
 * @throws MeshError `ranks-exhausted`
 */
export async function claimGateway(store: ResourceStore, node: string): Promise<Gateway> {
  for (;;) {
    const gateways = await store.list(gatewayKind);
    const own = gateways.find((gateway) => gateway.spec.node === node);
    if (own !== undefined) return own;
    const rank = lowestFreeRank(gateways.map((gateway) => gateway.spec.rank));
    if (rank === undefined) {
      throw new MeshError("ranks-exhausted", `node "${node}" can't be a gateway: every rank is taken by another one`, {
        retry: true,
      });
    }
    try {
      return await store.create(gatewayKind, { metadata: { name: `rank-${rank}` }, spec: { node, rank } });
    } catch (error) {
      if (!hasCode(error, "already-exists")) throw error;
    }
  }
}

/** What peers need to dial this gateway; the rest of its status stays as it is. */
export interface Dialling {
  readonly publicKey: string;
  readonly endpoints: readonly string[];
  readonly basePort: number;
}

/** Writes it where the member's gateways read it to report it to the hub. Writing what is there is no write. */
export async function announceGateway(store: ResourceStore, gateway: Gateway, dialling: Dialling): Promise<void> {
  await amendStatus(store, gatewayKind, gateway.metadata.name, ({ status }) => ({ ...status, ...dialling }));
}

/** This cluster's gateways as peers need them; one that has not said its key yet is left out. */
export function gatewayRecords(gateways: readonly Gateway[]): GatewayRecord[] {
  return gateways
    .flatMap(({ spec, status: { publicKey, endpoints, basePort } }) =>
      publicKey === undefined || basePort === undefined
        ? []
        : [{ name: spec.node, rank: spec.rank, endpoints, basePort, publicKey }],
    )
    .toSorted((a, b) => a.rank - b.rank);
}
