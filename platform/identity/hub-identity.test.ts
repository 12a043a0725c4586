import { afterEach, expect, test } from "@jest/globals";
import { decode } from "@nats-io/jwt";
import type { User } from "@nats-io/jwt";
import { X509Certificate } from "node:crypto";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import path from "node:path";
import { createLog } from "../log.ts";
import { openStateFolder } from "../state-folder.ts";
import { issueJoin, issueMember, issueRenew } from "./credentials.ts";
import { makeHubIdentity, openHubIdentity } from "./hub-identity.ts";
import { identityInFolder } from "./identity-place.ts";
import { makeUserKey } from "./user-key.ts";

const folders: string[] = [];
afterEach(async () => {
  await Promise.all(folders.splice(0).map((folder) => rm(folder, { recursive: true, force: true })));
});

async function openFolder() {
  const folder = await mkdtemp(path.join(tmpdir(), "trestle-identity-"));
  folders.push(folder);
  return openStateFolder(folder, createLog({ level: "silent", pretty: false }));
}

const DAY = 86_400_000;

test("a hub is made once and is the same ever after", async () => {
  const folder = await openFolder();
  const first = await openHubIdentity(identityInFolder(folder), ["127.0.0.1"]);
  expect(await openHubIdentity(identityInFolder(folder), ["127.0.0.1"])).toEqual(first);
});

test("another host, or a certificate near its end, costs a new certificate and nothing else", async () => {
  const folder = await openFolder();
  const now = Date.now();
  const first = await openHubIdentity(identityInFolder(folder), ["127.0.0.1"], now);
  const moved = await openHubIdentity(identityInFolder(folder), ["127.0.0.1", "hub.example"], now);
  expect(moved.server.certPEM).not.toBe(first.server.certPEM);
  expect(await openHubIdentity(identityInFolder(folder), ["hub.example"], now + 330 * DAY)).toEqual(moved);
  const renewed = await openHubIdentity(identityInFolder(folder), ["hub.example"], now + 340 * DAY);
  expect(renewed.server.certPEM).not.toBe(moved.server.certPEM);
  expect({ ...renewed, server: first.server }).toEqual(first);
});

test("a certificate that was made while the clock was ahead is made anew once the clock is right", async () => {
  const folder = await openFolder();
  const now = Date.now();
  const ahead = await openHubIdentity(identityInFolder(folder), [], now + 400 * DAY);
  const right = await openHubIdentity(identityInFolder(folder), [], now);
  expect(Date.parse(new X509Certificate(ahead.server.certPEM).validFrom)).toBeGreaterThan(now);
  expect(Date.parse(new X509Certificate(right.server.certPEM).validFrom)).toBeLessThanOrEqual(now);
});

test("a damaged identity stops the hub and is left as it is", async () => {
  const folder = await openFolder();
  await folder.writeText("identity.json", '{"version":1');
  await expect(openHubIdentity(identityInFolder(folder), [])).rejects.toMatchObject({ code: "bad-identity" });
  await folder.writeText("identity.json", '{"version":1}');
  await expect(openHubIdentity(identityInFolder(folder), [])).rejects.toMatchObject({ code: "bad-identity" });
  expect(await folder.readText("identity.json")).toBe('{"version":1}');
});

test.each(["*", ">", "east.west", "East", "", "a b", "-east", "east-", "a".repeat(64), "$KV", "east\n", "öst"])(
  "no credential is signed for the name %p",
  async (name) => {
    const identity = await makeHubIdentity([]);
    const { publicKey: userKey } = makeUserKey();
    await expect(issueMember(identity, name, userKey)).rejects.toMatchObject({ code: "bad-name" });
    await expect(issueRenew(identity, name, userKey)).rejects.toMatchObject({ code: "bad-name" });
    await expect(issueJoin(identity, name, userKey, Date.now())).rejects.toMatchObject({ code: "bad-name" });
  },
);

test("a member's credential lives a year, a join token's as long as it says, one to renew has no end", async () => {
  const identity = await makeHubIdentity([]);
  const { publicKey: userKey } = makeUserKey();
  const now = Date.parse("2026-11-01T00:00:00Z");
  const end = (jwt: string) => decode<User>(jwt).exp;
  expect(end(await issueMember(identity, "east", userKey, now))).toBe((now + 365 * DAY) / 1000);
  expect(end(await issueJoin(identity, "t-1", userKey, now + 3_600_000))).toBe((now + 3_600_000) / 1000);
  expect(end(await issueRenew(identity, "east", userKey))).toBeUndefined();
});

test("a credential carries no rights of its own: the role's template in the account does", async () => {
  const identity = await makeHubIdentity([]);
  const jwt = decode<User>(await issueMember(identity, "east", makeUserKey().publicKey));
  expect(Object.keys(jwt.nats).sort()).toEqual(["issuer_account", "type", "version"]);
});
