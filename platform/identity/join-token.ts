import { createHash } from "node:crypto";
import { deflateRawSync, inflateRawSync } from "node:zlib";
import { z } from "zod";
import { MeshError } from "../errors.ts";

/** Everything a cluster needs to join, and nothing with which it could do anything else. */
export interface JoinToken {
  /** Random name of the mesh. */
  readonly mesh: string;
  /** Name of the JoinToken object. */
  readonly id: string;
  /** Name of the cluster it was made for. */
  readonly cluster: string;
  /** NATS addresses, `tls://host:port`. */
  readonly urls: readonly string[];
  /** PEM of the hub's CA. */
  readonly ca: string;
  /** The hub's signing key, raw, base64url. */
  readonly hubKey: string;
  /** Join-only user, see `issueJoin`. */
  readonly userJWT: string;
  readonly userSeed: string;
}

const VERSION = 1;
const CHECKSUM_BYTES = 4;
/** Far above any real one; what inflates beyond it is no token. */
const MAX_BYTES = 64 * 1024;
const SHAPE = /^trestle(\d+)_([A-Za-z0-9_-]*)$/;
const PEM = /^-----BEGIN CERTIFICATE-----\n([A-Za-z0-9+/=\n]+)-----END CERTIFICATE-----\n?$/;

/** In order: mesh, id, cluster, urls, ca (PEM's base64 without its frame), hubKey, the JWT in parts, userSeed. */
const body = z.tuple([
  z.string(),
  z.string(),
  z.string(),
  z.array(z.string()).min(1),
  z.string(),
  z.string(),
  z.tuple([z.string(), z.string(), z.string()]),
  z.string(),
]);

/**
 * Writes a token as the one string that `trestle join` takes: `trestle1_` and base64url of a checksum and the deflated
 * content. Base64 is undone within (the JWT's, the PEM's), or it would not deflate: about 1,350 letters.
 */
export function encodeJoinToken(token: JoinToken): string {
  const [header = "", claims = "", signature = ""] = token.userJWT.split(".");
  const content: z.infer<typeof body> = [
    token.mesh,
    token.id,
    token.cluster,
    [...token.urls],
    (PEM.exec(token.ca)?.[1] ?? "").replaceAll("\n", ""),
    token.hubKey,
    [Buffer.from(header, "base64url").toString(), Buffer.from(claims, "base64url").toString(), signature],
    token.userSeed,
  ];
  const packed = deflateRawSync(JSON.stringify(content), { level: 9 });
  return `trestle${VERSION}_${Buffer.concat([checksum(packed), packed]).toString("base64url")}`;
}

/**
 * Reads what a person pasted: blanks and line ends anywhere are forgiven.
 * @throws MeshError `bad-token`, with what is wrong with it
 */
export function decodeJoinToken(text: string): JoinToken {
  const [, version, encoded] = SHAPE.exec(text.replaceAll(/\s+/g, "")) ?? [];
  if (version === undefined || encoded === undefined) {
    throw bad(
      `this is not a join token: one begins with trestle${VERSION}_ and comes from: trestle token create CLUSTER`,
    );
  }
  if (Number(version) > VERSION) {
    throw bad(
      `this join token is of version ${version} and this trestle knows ${VERSION}; update trestle on this machine`,
    );
  }
  const bytes = Buffer.from(encoded, "base64url");
  const packed = bytes.subarray(CHECKSUM_BYTES);
  if (
    Number(version) < VERSION ||
    bytes.length <= CHECKSUM_BYTES ||
    !checksum(packed).equals(bytes.subarray(0, CHECKSUM_BYTES))
  ) {
    throw bad(
      "this join token is cut off or altered (its checksum is wrong); copy the whole line that trestle token create printed",
    );
  }
  return unpack(packed);
}

function unpack(packed: Buffer): JoinToken {
  try {
    const content: unknown = JSON.parse(inflateRawSync(packed, { maxOutputLength: MAX_BYTES }).toString());
    const [mesh, id, cluster, urls, ca, hubKey, [header, claims, signature], userSeed] = body.parse(content);
    const userJWT = [
      Buffer.from(header).toString("base64url"),
      Buffer.from(claims).toString("base64url"),
      signature,
    ].join(".");
    return { mesh, id, cluster, urls, ca: toPEM(ca), hubKey, userJWT, userSeed };
  } catch (error) {
    throw bad(
      "this join token has a right checksum and a content that can't be read; make a new one with: trestle token create",
      error,
    );
  }
}

function toPEM(base64: string): string {
  return `-----BEGIN CERTIFICATE-----\n${base64.replaceAll(/.{1,64}/g, "$&\n")}-----END CERTIFICATE-----`;
}

function checksum(bytes: Uint8Array): Buffer {
  return createHash("sha256").update(bytes).digest().subarray(0, CHECKSUM_BYTES);
}

function bad(message: string, cause?: unknown): MeshError {
  return new MeshError("bad-token", message, { retry: false, cause });
}
