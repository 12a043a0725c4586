import type { GatewayRecord, TunnelKind } from "./resources.ts";

/** What the hub tells its members: plain types; the wire's schemas in crds/wire/view.ts `satisfies` them. */

/** What a member needs to know of itself. */
export interface SelfRecord {
  readonly name: string;
  /** Cluster number, 16 bit. */
  readonly number: number;
  readonly podCIDRs: readonly string[];
  readonly announcedCIDRs: readonly string[];
  readonly meshPrefixes: readonly string[];
}

/** A cluster as its peers need it: made once by the compiler and shared by all views. */
export interface PeerRecord extends SelfRecord {
  readonly gateways: readonly GatewayRecord[];
}

/** A linked cluster, and by which terms of the link. */
export interface ViewEntry {
  readonly peer: PeerRecord;
  readonly tunnel: TunnelKind;
  /** Path MTU in bytes, where the link gives one. */
  readonly mtu?: number | undefined;
}

/** All that one member is told: itself and the clusters it is linked with, in order of their numbers. */
export interface View {
  readonly self: SelfRecord;
  readonly entries: readonly ViewEntry[];
}
