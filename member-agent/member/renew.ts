import { credentialKind } from "../../crds/credential.ts";
import { renewAnswer } from "../../crds/wire/join.ts";
import type { CredentialSpec } from "../../mesh/resources.ts";
import type { Clock } from "../../platform/clock.ts";
import { MeshError } from "../../platform/errors.ts";
import { issuedAt } from "../../platform/identity/jwt-age.ts";
import { openSigner } from "../../platform/identity/signature.ts";
import { signText } from "../../platform/mailbox/signed.ts";
import { inboxPrefix, renewSubject } from "../../platform/nats/subjects.ts";
import type { ResourceStore } from "../../platform/store/port.ts";
import { askHub } from "./ask.ts";
import type { ConnectNats } from "./connect.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";

/** Credentials live a year and are renewed monthly: eleven months of a hub that is away are no harm. */
const RENEW_AFTER_MS = 30 * 86_400_000;

/**
 * Asks the hub for a new credential when the present one is a month old, and stores it, where every gateway finds it. It
 * goes by the renew-only user, which has no end: an expired member comes back by the proof of its key.
 * @param until the member leaves, or its agent ends
 * @returns whether there is a new one
 * @throws what {@link askHub} throws; `conflict` (retry)
 */
export async function renewCredential(
  store: ResourceStore,
  connect: ConnectNats,
  clock: Clock,
  until: AbortSignal,
): Promise<boolean> {
  const present = await store.get(credentialKind, SINGLETON_NAME);
  const userJWT = present?.spec.userJWT;
  if (present === undefined || userJWT === undefined || clock.now() - issuedAt(userJWT) < RENEW_AFTER_MS) return false;
  const renewed = await askForCredential(connect, present.spec, until);
  await store.update(credentialKind, { ...present, spec: { ...present.spec, userJWT: renewed } });
  return true;
}

async function askForCredential(connect: ConnectNats, credential: CredentialSpec, until: AbortSignal): Promise<string> {
  const { natsURLs: servers, ca, renewJWT: jwt, userSeed: seed, cluster, hubKey } = credential;
  if (jwt === undefined)
    throw new MeshError("not-joined", "the join was begun and never answered; run trestle join again", {
      retry: false,
    });
  const credentials = { jwt, seed };
  const nc = await connect({ servers, ca, credentials, inboxPrefix: inboxPrefix("renew", cluster), until });
  try {
    const text = signText(
      "renew",
      JSON.stringify({ mesh: credential.mesh, member: cluster }),
      openSigner(credential.signingSeed),
    );
    return (await askHub(nc, { subject: renewSubject(cluster), text, hubKey, value: renewAnswer })).userJWT;
  } finally {
    await nc.close();
  }
}
