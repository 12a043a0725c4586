import { fromSeed } from "@nats-io/nkeys";
import type { KeyPair } from "@nats-io/nkeys";
import { MeshError } from "../errors.ts";
import { openSigner } from "./signature.ts";

/**
 * NATS keys (nkeys) are Ed25519 too, written in base32 with a prefix and a checksum. Taken raw, node:crypto signs with
 * them in 70 µs, where the nkeys library takes 15 ms.
 */

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
const CHECKSUM_BYTES = 2;
const KEY_BYTES = 32;
/** The seed's prefix holds its own mark and the kind of key: two bytes; a public key's holds one. */
const SEED_PREFIX_BYTES = 2;
const PUBLIC_PREFIX_BYTES = 1;
/** Makes the text begin with P. */
const PRIVATE_PREFIX = 15 << 3;

/** The key pair of any seed (`S…`), as NATS' own libraries take it; node:crypto signs. */
export function openNkey(seed: string): KeyPair {
  const pair = fromSeed(new TextEncoder().encode(seed));
  const bytes = decodeChecked(seed);
  if (bytes?.length !== SEED_PREFIX_BYTES + KEY_BYTES)
    throw new MeshError("bad-key", "this is not a NATS seed (S…)", { retry: false });
  const raw = bytes.subarray(SEED_PREFIX_BYTES);
  const signer = openSigner(raw.toString("base64url"));
  const publicBytes = Buffer.from(signer.publicKey, "base64url");
  // The kind of key is what follows the five bits of the seed's own mark.
  const kind = (bytes.readUInt16BE(0) >> 3) & 0xff;
  const publicKey = encodeChecked(Buffer.concat([Buffer.of(kind), publicBytes]));
  const privateKey = encodeChecked(Buffer.concat([Buffer.of(PRIVATE_PREFIX), raw, publicBytes]));
  return {
    getPublicKey: () => publicKey,
    getPrivateKey: () => new TextEncoder().encode(privateKey),
    sign: (input) => Buffer.from(signer.sign(input), "base64url"),
    getSeed: () => pair.getSeed(),
    verify: (input, signature) => pair.verify(input, signature),
    seal: (...words) => pair.seal(...words),
    open: (...words) => pair.open(...words),
    clear: () => pair.clear(),
  };
}

/** The raw seed of a user seed (`SU…`), base64url, as `openSigner` takes it. @throws MeshError `bad-key` */
export function rawSeedOfUser(seed: string): string {
  return rawKey(seed, "SU", SEED_PREFIX_BYTES, "NATS user seed");
}

/** The raw public key of a user (`U…`), base64url, as `isSignedBy` takes it. @throws MeshError `bad-key` */
export function rawPublicKeyOfUser(userKey: string): string {
  return rawKey(userKey, "U", PUBLIC_PREFIX_BYTES, "NATS user key");
}

/** True for the text of a user's public key: prefix, length and checksum are right. */
export function isUserKey(text: string): boolean {
  return text.startsWith("U") && decodeChecked(text)?.length === PUBLIC_PREFIX_BYTES + KEY_BYTES;
}

function rawKey(text: string, prefix: string, prefixBytes: number, what: string): string {
  const bytes = text.startsWith(prefix) ? decodeChecked(text) : undefined;
  if (bytes?.length !== prefixBytes + KEY_BYTES)
    throw new MeshError("bad-key", `this is not a ${what} (${prefix}…)`, { retry: false });
  return bytes.subarray(prefixBytes).toString("base64url");
}

function decodeChecked(text: string): Buffer | undefined {
  const bytes = decodeBase32(text);
  if (bytes === undefined || bytes.length <= CHECKSUM_BYTES) return undefined;
  const body = bytes.subarray(0, -CHECKSUM_BYTES);
  return crc16(body) === bytes.readUInt16LE(body.length) ? body : undefined;
}

function decodeBase32(text: string): Buffer | undefined {
  const bytes: number[] = [];
  let held = 0;
  let bits = 0;
  for (const letter of text) {
    const value = ALPHABET.indexOf(letter);
    if (value < 0) return undefined;
    held = ((held << 5) | value) & 0xfff;
    bits += 5;
    if (bits >= 8) {
      bits -= 8;
      bytes.push((held >> bits) & 0xff);
    }
  }
  return Buffer.from(bytes);
}

function encodeChecked(body: Buffer): string {
  const bytes = Buffer.alloc(body.length + CHECKSUM_BYTES);
  body.copy(bytes);
  bytes.writeUInt16LE(crc16(body), body.length);
  let text = "";
  let held = 0;
  let bits = 0;
  for (const byte of bytes) {
    held = ((held << 8) | byte) & 0xfff;
    for (bits += 8; bits >= 5; bits -= 5) text += ALPHABET[(held >> (bits - 5)) & 31];
  }
  return bits === 0 ? text : text + ALPHABET[(held << (5 - bits)) & 31];
}

/** CRC-16/XMODEM, the one of nkeys. */
function crc16(bytes: Uint8Array): number {
  let crc = 0;
  for (const byte of bytes) {
    crc ^= byte << 8;
    for (let bit = 0; bit < 8; bit += 1) crc = ((crc << 1) ^ (crc & 0x8000 ? 0x1021 : 0)) & 0xffff;
  }
  return crc;
}
