import { z } from "zod";
import { MeshError } from "../errors.ts";

const claims = z.object({ iat: z.int() });

/**
 * When a JWT was issued (RFC 7519, section 4.1.6), milliseconds since 1970. Its signature is not looked at: who asks holds it.
 * @throws MeshError `bad-jwt`
 */
export function issuedAt(jwt: string): number {
  try {
    return claims.parse(JSON.parse(Buffer.from(jwt.split(".")[1] ?? "", "base64url").toString())).iat * 1000;
  } catch (cause) {
    throw new MeshError("bad-jwt", "this is not a JWT that says when it was issued", { retry: false, cause });
  }
}
