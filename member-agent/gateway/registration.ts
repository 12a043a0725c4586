import { gatewayKind } from "../../crds/gateway.ts";
import { lowestFreeRank } from "../../mesh/mesh-prefix.ts";
import type { Gateway, GatewayRecord, GatewayStatus } from "../../mesh/resources.ts";
import { hasCode, MeshError } from "../../platform/errors.ts";
import { amendStatus } from "../../platform/store/amend.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import type { MemberLevel } from "../member/level.ts";

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

/** What a gateway says of itself in the member's store: how to dial it, what it carries out, what it hears. */
export type GatewayWord = Required<GatewayStatus>;

/** Writes it, where the member's other gateways and the member controller read it. Writing what is there is no write. */
export async function announceGateway(
  store: ResourceStore,
  gateway: Gateway,
  word: Partial<GatewayWord>,
): Promise<void> {
  await amendStatus(store, gatewayKind, gateway.metadata.name, ({ status }) => ({ ...status, ...word }));
}

/** This member's gateways, as far as one of them can tell. */
export interface KnownGateways {
  readonly gateways: readonly Gateway[];
  /** Whether it is the member controller, which speaks for the others, too. */
  readonly leads: boolean;
}

/** What the member's store says; nothing without a membership: a store that came back empty undoes no gateway. */
export function knownGateways(
  level: Pick<MemberLevel, "membership" | "gateways"> | undefined,
  leads: boolean,
): KnownGateways {
  return level?.membership?.spec.phase === "Joined"
    ? { gateways: level.gateways, leads }
    : { gateways: [], leads: false };
}

/** What the gateway on `node` tells the hub: itself, and all others where it leads. */
export function gatewaysToTell({ gateways, leads }: KnownGateways, node: string): GatewayRecord[] {
  return gatewayRecords(gateways.filter(({ spec }) => leads || spec.node === node));
}

/** This cluster's gateways as peers need them; one that has not said its key yet is left out. */
export function gatewayRecords(gateways: readonly Gateway[]): GatewayRecord[] {
  return gateways
    .flatMap(({ spec, status: { publicKey, endpoints, behindNAT, basePort } }) =>
      publicKey === undefined || basePort === undefined
        ? []
        : [{ name: spec.node, rank: spec.rank, endpoints, behindNAT, basePort, publicKey }],
    )
    .toSorted((a, b) => a.rank - b.rank);
}
