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

/**
 * True while the certificate covers all of `hosts`, is valid already (one made while the clock was ahead is not) and
 * lives for 30 days more.
 */
export function upToDate(
  { certPEM, hosts: covered }: ServerCertificate,
  hosts: readonly string[],
  now: number,
): boolean {
  const { validFrom, validTo } = new X509Certificate(certPEM);
  const isValid = Date.parse(validFrom) <= now && Date.parse(validTo) - now > RENEW_BEFORE_MS;
  return isValid && hosts.every((host) => covered.includes(host));
}
