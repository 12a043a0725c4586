import { randomBytes } from "node:crypto";
import { z } from "zod";
import type { Clock } from "../clock.ts";
import { messageOf } from "../errors.ts";
import { makeCertificateAuthority } from "../identity/certificates.ts";
import { serverCertificate, upToDate } from "../identity/server-certificate.ts";
import type { Log } from "../log.ts";
import type { StateFolder } from "../state-folder.ts";

const certifiedKey = z.object({ certPEM: z.string(), keyPEM: z.string() });
/** What a store is known by, made once: agents pin the CA and have the token. */
const secrets = z.object({
  token: z.string(),
  ca: certifiedKey,
  server: certifiedKey.extend({ hosts: z.array(z.string()) }),
});
type Secrets = z.infer<typeof secrets>;

const SECRETS_FILE = "secrets.json";
export const CERTIFICATE_FILE = "server.pem";
export const KEY_FILE = "server.key";
const DAY_MS = 86_400_000;

/** The secrets in the state folder, made the first time, with a certificate for `hosts` that is good for a while, also as files. */
export async function currentSecrets(state: StateFolder, hosts: readonly string[], now: number): Promise<Secrets> {
  const kept = await state.read(SECRETS_FILE, secrets, "throw");
  const current = kept ?? (await makeSecrets(hosts, now));
  const good = upToDate(current.server, hosts, now);
  const next = good ? current : { ...current, server: await serverCertificate(current.ca, hosts, now) };
  if (next !== kept) await state.write(SECRETS_FILE, next);
  await state.writeText(KEY_FILE, next.server.keyPEM);
  await state.writeText(CERTIFICATE_FILE, next.server.certPEM);
  return next;
}

async function makeSecrets(hosts: readonly string[], now: number): Promise<Secrets> {
  const ca = await makeCertificateAuthority("trestle store", now);
  return { token: randomBytes(32).toString("base64url"), ca, server: await serverCertificate(ca, hosts, now) };
}

export interface Renewal {
  readonly state: StateFolder;
  readonly hosts: readonly string[];
  readonly clock: Clock;
  readonly log: Log;
  /** Makes the server read its certificate again. */
  readonly reload: () => void;
}

/** Issues a new certificate in time, for a store may run longer than one lives. Settles when `signal` has aborted. */
export async function renewCertificate(
  { state, hosts, clock, log, reload }: Renewal,
  signal: AbortSignal,
): Promise<void> {
  for (;;) {
    await clock.sleep(DAY_MS, signal);
    if (signal.aborted) return;
    try {
      const kept = await state.read(SECRETS_FILE, secrets, "throw");
      if (kept !== undefined && upToDate(kept.server, hosts, clock.now())) continue;
      await currentSecrets(state, hosts, clock.now());
      reload();
      log.info({ event: "certificate-renewed" }, "the store has a new certificate");
    } catch (error) {
      log.error({ event: "certificate-not-renewed", error }, messageOf(error));
    }
  }
}
