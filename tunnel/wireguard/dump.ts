import { MeshError } from "../../platform/errors.ts";

/** A WireGuard interface as `wg show IF dump` tells it (wg(8)). */
export interface ObservedWireGuard {
  readonly name: string;
  /** Base64; absent until one is set. It goes no further than the planner. */
  readonly privateKey?: string | undefined;
  readonly publicKey?: string | undefined;
  readonly listenPort: number;
  /** 0: off. */
  readonly fwmark: number;
  readonly peers: readonly ObservedPeer[];
}

export interface ObservedPeer {
  readonly publicKey: string;
  readonly endpoint?: string | undefined;
  readonly allowedIPs: readonly string[];
  /** Seconds since the Unix epoch; 0: never. */
  readonly latestHandshake: number;
  readonly rxBytes: number;
  readonly txBytes: number;
  /** Seconds; 0: off. */
  readonly persistentKeepalive: number;
}

/**
 * Reads `wg show IF dump`: a line for the interface (private key, public key, port, fwmark), then one a peer (public
 * key, preshared key, endpoint, allowed IPs, handshake, received, sent, keepalive), fields divided by tabs.
 * @throws MeshError `bad-output`
 */
export function parseDump(name: string, dump: string): ObservedWireGuard {
  const [head = [], ...peers] = dump
    .trimEnd()
    .split("\n")
    .map((line) => line.split("\t"));
  const [privateKey, publicKey, listenPort, fwmark] = head;
  if (privateKey === undefined || publicKey === undefined || listenPort === undefined || fwmark === undefined) {
    throw new MeshError(
      "bad-output",
      `wg show ${name} dump: the line of the interface has ${head.length} fields, not 4`,
      {
        retry: false,
      },
    );
  }
  return {
    name,
    privateKey: textOf(privateKey),
    publicKey: textOf(publicKey),
    listenPort: numberOf(listenPort),
    fwmark: numberOf(fwmark),
    peers: peers.map((fields) => parsePeer(name, fields)),
  };
}

function parsePeer(name: string, fields: readonly string[]): ObservedPeer {
  const [publicKey, , endpoint, allowedIPs, handshake, rx, tx, keepalive] = fields;
  if (publicKey === undefined || endpoint === undefined || allowedIPs === undefined || keepalive === undefined) {
    throw new MeshError("bad-output", `wg show ${name} dump: the line of a peer has ${fields.length} fields, not 8`, {
      retry: false,
    });
  }
  return {
    publicKey,
    endpoint: textOf(endpoint),
    allowedIPs: textOf(allowedIPs)?.split(",") ?? [],
    latestHandshake: Number(handshake),
    rxBytes: Number(rx),
    txBytes: Number(tx),
    persistentKeepalive: numberOf(keepalive),
  };
}

function textOf(field: string): string | undefined {
  return field === "(none)" || field === "" ? undefined : field;
}

/** Decimal, or hexadecimal with 0x; `off` is 0. */
function numberOf(field: string): number {
  return field === "off" ? 0 : Number(field);
}
