import { createUser, fromSeed } from "@nats-io/nkeys";

/** A NATS user's own key pair: public key (U…) and seed (SU…), the secret half. */
export interface UserKey {
  readonly publicKey: string;
  readonly seed: string;
}

/** Makes a new one; who made it alone knows the seed. */
export function makeUserKey(): UserKey {
  const pair = createUser();
  return { publicKey: pair.getPublicKey(), seed: new TextDecoder().decode(pair.getSeed()) };
}

/** The public key (U…) of a user seed. */
export function publicKeyOfUser(seed: string): string {
  return fromSeed(new TextEncoder().encode(seed)).getPublicKey();
}
