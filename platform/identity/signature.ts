import { createPrivateKey, createPublicKey, randomBytes, sign, verify } from "node:crypto";
import type { KeyObject } from "node:crypto";
import { MeshError } from "../errors.ts";

/**
 * Ed25519 (RFC 8032) by node:crypto. Keys and signatures travel as base64url without padding: seed and public key 32
 * raw bytes, a signature 64.
 */
export interface Signer {
  readonly publicKey: string;
  sign(bytes: Uint8Array): string;
}

// DER up to the raw key (RFC 8410): node:crypto takes no raw keys.
const PKCS8_PREFIX = Buffer.from("302e020100300506032b657004220420", "hex");
const SPKI_PREFIX = Buffer.from("302a300506032b6570032100", "hex");
const KEY_BYTES = 32;
const SIGNATURE_BYTES = 64;

/** A new seed: the secret half of a signing key. */
export function generateSeed(): string {
  return randomBytes(KEY_BYTES).toString("base64url");
}

/**
 * Makes a signer of a seed; keep it, opening a key takes longer than a signature.
 * @throws MeshError `bad-key`
 */
export function openSigner(seed: string): Signer {
  const key = createPrivateKey({
    key: Buffer.concat([PKCS8_PREFIX, rawKey(seed, "signing seed")]),
    format: "der",
    type: "pkcs8",
  });
  const publicKey = createPublicKey(key)
    .export({ format: "der", type: "spki" })
    .subarray(SPKI_PREFIX.length)
    .toString("base64url");
  return { publicKey, sign: (bytes) => sign(null, bytes, key).toString("base64url") };
}

/** True when `signature` over exactly these bytes was made by the holder of `publicKey`; a malformed key or signature is not. */
export function isSignedBy(publicKey: string, bytes: Uint8Array, signature: string): boolean {
  const key = decodeExactly(publicKey, KEY_BYTES);
  const raw = decodeExactly(signature, SIGNATURE_BYTES);
  return key !== undefined && raw !== undefined && verify(null, bytes, openPublicKey(key), raw);
}

/** True for the text of a public key, of the right length: what a stranger sent is looked at before it is stored. */
export function isPublicKey(text: string): boolean {
  return decodeExactly(text, KEY_BYTES) !== undefined;
}

function openPublicKey(raw: Buffer): KeyObject {
  return createPublicKey({ key: Buffer.concat([SPKI_PREFIX, raw]), format: "der", type: "spki" });
}

function rawKey(text: string, what: string): Buffer {
  const raw = decodeExactly(text, KEY_BYTES);
  if (raw === undefined)
    throw new MeshError("bad-key", `the ${what} is not ${KEY_BYTES} bytes of base64url`, { retry: false });
  return raw;
}

/** Node's decoder skips what it does not know; two texts of one key would defeat every comparison, so only the canonical one counts. */
function decodeExactly(text: string, length: number): Buffer | undefined {
  const raw = Buffer.from(text, "base64url");
  return raw.length === length && raw.toString("base64url") === text ? raw : undefined;
}
