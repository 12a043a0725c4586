import { createHash } from "node:crypto";

/** One part of a view, as it is stored: immutable, named by its digest. */
export interface Page {
  readonly digest: string;
  readonly bytes: Uint8Array;
}

export function pageOf(text: string): Page {
  return { digest: digestOf(text), bytes: Buffer.from(text) };
}

/** SHA-256 of a text's UTF-8 bytes, base64url: 43 letters. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
