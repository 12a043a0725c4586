import { X509Certificate } from "node:crypto";
import { connect, createServer } from "node:tls";
import { once } from "node:events";
import type { AddressInfo } from "node:net";
import { expect, test } from "@jest/globals";
import { issueServerCertificate, makeCertificateAuthority } from "./certificates.ts";

const hosts = ["hub.example", "localhost", "127.0.0.1", "2001:db8::1"];

test("a server certificate is signed by its authority and speaks for every host it was asked for", async () => {
  const ca = await makeCertificateAuthority("trestle mesh");
  const server = new X509Certificate((await issueServerCertificate(ca, { hosts })).certPEM);
  const authority = new X509Certificate(ca.certPEM);

  expect(server.verify(authority.publicKey)).toBe(true);
  expect(server.checkIssued(authority)).toBe(true);
  expect(authority.ca).toBe(true);
  expect(server.ca).toBe(false);
  expect(server.checkHost("hub.example")).toBe("hub.example");
  expect(server.checkIP("127.0.0.1")).toBe("127.0.0.1");
  expect(server.checkIP("2001:db8::1")).toBeDefined();
  expect(server.checkHost("other.example")).toBeUndefined();
});

test("the authority lives ten years, a server certificate one, and both are valid an hour before they were made", async () => {
  const now = Date.parse("2026-11-01T00:00:00Z");
  const ca = await makeCertificateAuthority("trestle mesh", now);
  const server = await issueServerCertificate(ca, { hosts }, now);
  const days = (pem: string) => (Date.parse(new X509Certificate(pem).validTo) - now) / 86_400_000;

  expect(days(ca.certPEM)).toBe(3650);
  expect(days(server.certPEM)).toBe(365);
  expect(Date.parse(new X509Certificate(server.certPEM).validFrom)).toBe(now - 3_600_000);
});

test("a TLS client that pins the authority accepts the server, one that pins another authority does not", async () => {
  const ca = await makeCertificateAuthority("trestle mesh");
  const other = await makeCertificateAuthority("trestle mesh");
  const { certPEM, keyPEM } = await issueServerCertificate(ca, { hosts });
  const server = createServer({ cert: certPEM, key: keyPEM }, (socket) => socket.end());
  server.listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as AddressInfo;
  try {
    const good = connect({ host: "127.0.0.1", port, ca: ca.certPEM });
    await once(good, "secureConnect");
    expect(good.authorized).toBe(true);
    good.destroy();
    const bad = connect({ host: "127.0.0.1", port, ca: other.certPEM });
    await expect(once(bad, "secureConnect")).rejects.toThrow(/certificate|signature/);
  } finally {
    server.close();
  }
});

test("the authority is small enough for a join token", async () => {
  expect((await makeCertificateAuthority("trestle mesh")).certPEM.length).toBeLessThan(700);
});
