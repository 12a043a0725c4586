import { X509Certificate } from "node:crypto";
import { issueServerCertificate } from "./certificates.ts";
import type { CertifiedKey } from "./certificates.ts";

/** A certificate with the hosts it was asked for. */
export interface ServerCertificate extends CertifiedKey {
  readonly hosts: string[];
}

const RENEW_BEFORE_MS = 30 * 86_400_000;

/** Issues the certificate of the hub's NATS server. */
export async function serverCertificate(
  ca: CertifiedKey,
  hosts: readonly string[],
  now: number,
): Promise<ServerCertificate> {
  return { ...(await issueServerCertificate(ca, { hosts }, now)), hosts: [...hosts] };
}

/** True while the certificate covers all of `hosts` and lives for 30 days more. */
export function upToDate(
  { certPEM, hosts: covered }: ServerCertificate,
  hosts: readonly string[],
  now: number,
): boolean {
  const expiresAt = Date.parse(new X509Certificate(certPEM).validTo);
  return hosts.every((host) => covered.includes(host)) && expiresAt - now > RENEW_BEFORE_MS;
}
