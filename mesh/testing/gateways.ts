import { createHash } from "node:crypto";
import type { GatewayRecord } from "../resources.ts";

/** The gateway of this rank, on `node-<rank>`. */
export function gatewayRecord(rank: number, changes: Partial<GatewayRecord> = {}): GatewayRecord {
  return {
    name: `node-${rank}`,
    rank,
    endpoints: ["192.0.2.1"],
    behindNAT: false,
    basePort: 51_820,
    publicKey: keyOf(rank),
    ...changes,
  };
}

/** A public key, the same for the same seed. */
export function keyOf(seed: string | number): string {
  return createHash("sha256").update(String(seed)).digest("base64");
}
