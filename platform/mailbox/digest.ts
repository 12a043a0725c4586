import { createHash } from "node:crypto";

/** SHA-256 of a text's UTF-8 bytes, base64url: 43 letters. */
export function digestOf(text: string): string {
  return createHash("sha256").update(text).digest("base64url");
}
