import "reflect-metadata";
import { randomBytes, webcrypto } from "node:crypto";
import { isIP } from "node:net";
import {
  AuthorityKeyIdentifierExtension,
  BasicConstraintsExtension,
  ExtendedKeyUsage,
  ExtendedKeyUsageExtension,
  KeyUsageFlags,
  KeyUsagesExtension,
  PemConverter,
  SubjectAlternativeNameExtension,
  SubjectKeyIdentifierExtension,
  X509Certificate,
  X509CertificateGenerator,
} from "@peculiar/x509";

/** A certificate and its private key (PKCS #8), both PEM. */
export interface CertifiedKey {
  readonly certPEM: string;
  readonly keyPEM: string;
}

const ALGORITHM = { name: "ECDSA", namedCurve: "P-256", hash: "SHA-256" };
const YEAR_MS = 365 * 86_400_000;
/** A machine whose clock is a little behind the hub's must not find the certificate "not yet valid". */
const CLOCK_SKEW_MS = 3_600_000;

/** Makes a hub's own certificate authority: ECDSA P-256, ten years, one level (it can't sign other authorities). */
export async function makeCertificateAuthority(name: string, now = Date.now()): Promise<CertifiedKey> {
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.createSelfSigned(
    {
      serialNumber: serialNumber(),
      name: [{ CN: [name] }],
      notBefore: new Date(now - CLOCK_SKEW_MS),
      notAfter: new Date(now + 10 * YEAR_MS),
      keys,
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(true, 0, true),
        new KeyUsagesExtension(KeyUsageFlags.keyCertSign | KeyUsageFlags.cRLSign, true),
        await SubjectKeyIdentifierExtension.create(keys.publicKey, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certPEM: certificate.toString("pem"), keyPEM: await privateKeyPEM(keys.privateKey) };
}

/**
 * Issues a server certificate for one year. `hosts` are DNS names and IP addresses, each becomes a subject alternative
 * name (RFC 6125: clients look nowhere else).
 */
export async function issueServerCertificate(
  ca: CertifiedKey,
  { hosts }: { readonly hosts: readonly string[] },
  now = Date.now(),
): Promise<CertifiedKey> {
  const authority = new X509Certificate(ca.certPEM);
  const keys = await generateKeys();
  const certificate = await X509CertificateGenerator.create(
    {
      serialNumber: serialNumber(),
      subject: [{ CN: [hosts[0] ?? "localhost"] }],
      issuer: authority.subject,
      notBefore: new Date(now - CLOCK_SKEW_MS),
      notAfter: new Date(now + YEAR_MS),
      publicKey: keys.publicKey,
      signingKey: await signingKey(ca.keyPEM),
      signingAlgorithm: ALGORITHM,
      extensions: [
        new BasicConstraintsExtension(false, undefined, true),
        new KeyUsagesExtension(KeyUsageFlags.digitalSignature, true),
        new ExtendedKeyUsageExtension([ExtendedKeyUsage.serverAuth]),
        new SubjectAlternativeNameExtension(hosts.map((host) => ({ type: isIP(host) ? "ip" : "dns", value: host }))),
        await AuthorityKeyIdentifierExtension.create(authority, false, webcrypto),
      ],
    },
    webcrypto,
  );
  return { certPEM: certificate.toString("pem"), keyPEM: await privateKeyPEM(keys.privateKey) };
}

async function generateKeys(): Promise<webcrypto.CryptoKeyPair> {
  return webcrypto.subtle.generateKey(ALGORITHM, true, ["sign", "verify"]);
}

async function signingKey(keyPEM: string): Promise<webcrypto.CryptoKey> {
  return webcrypto.subtle.importKey("pkcs8", PemConverter.decodeFirst(keyPEM), ALGORITHM, false, ["sign"]);
}

async function privateKeyPEM(key: webcrypto.CryptoKey): Promise<string> {
  return PemConverter.encode(await webcrypto.subtle.exportKey("pkcs8", key), "PRIVATE KEY");
}

/** 16 random bytes, positive (RFC 5280, 4.1.2.2). */
function serialNumber(): string {
  const bytes = randomBytes(16);
  bytes[0] = (bytes[0] ?? 0) & 0x7f;
  return bytes.toString("hex");
}
