import { Buffer } from "node:buffer";
import type { TunnelKind } from "../../mesh/resources.ts";

/**
 * What gateways say to each other's health addresses through the tunnels, in 16 bytes of UDP: version, type (0 a probe,
 * 1 its answer), the kinds of tunnel (0 WireGuard, 1 VXLAN) that the speaker sends by and wants to send by, sequence
 * (32 bit, big endian), nonce (64 bit). An answer has the sequence and the nonce of its probe. A later version may be
 * longer; who speaks another one is not understood, and so its path is not proven.
 */
export interface PathMessage {
  readonly type: "probe" | "answer";
  readonly sends: TunnelKind;
  readonly wants: TunnelKind;
  readonly sequence: number;
  /** Drawn for each path: whoever did not get a probe can't answer it. */
  readonly nonce: bigint;
}

const VERSION = 1;
const LENGTH = 16;
const TYPES = ["probe", "answer"] as const;
const KINDS: readonly TunnelKind[] = ["WireGuard", "VXLAN"];

export function encodePathMessage({ type, sends, wants, sequence, nonce }: PathMessage): Buffer {
  const bytes = Buffer.alloc(LENGTH);
  bytes.set([VERSION, TYPES.indexOf(type), KINDS.indexOf(sends), KINDS.indexOf(wants)]);
  bytes.writeUInt32BE(sequence, 4);
  bytes.writeBigUInt64BE(nonce, 8);
  return bytes;
}

/** Undefined for all that is not exactly such a message. */
export function parsePathMessage(bytes: Buffer): PathMessage | undefined {
  if (bytes.length !== LENGTH || bytes[0] !== VERSION) return undefined;
  const type = TYPES[bytes[1] ?? -1];
  const sends = KINDS[bytes[2] ?? -1];
  const wants = KINDS[bytes[3] ?? -1];
  if (type === undefined || sends === undefined || wants === undefined) return undefined;
  return { type, sends, wants, sequence: bytes.readUInt32BE(4), nonce: bytes.readBigUInt64BE(8) };
}
