import { createUser } from "@nats-io/nkeys";
import { openNkey } from "./nkey.ts";

/** A NATS user's own key pair: public key (U…) and seed (SU…), the secret half. */
export interface UserKey {
  readonly publicKey: string;
  readonly seed: string;
}

/** Makes a new one; who made it alone knows the seed. */
export function makeUserKey(): UserKey {
  const seed = new TextDecoder().decode(createUser().getSeed());
  return { publicKey: publicKeyOfUser(seed), seed };
}

/** The public key (U…) of a user seed. */
export function publicKeyOfUser(seed: string): string {
  return openNkey(seed).getPublicKey();
}
