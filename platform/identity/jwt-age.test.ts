import { expect, test } from "@jest/globals";
import { issueMember } from "./credentials.ts";
import { makeHubIdentity } from "./hub-identity.ts";
import { issuedAt } from "./jwt-age.ts";
import { makeUserKey } from "./user-key.ts";

test("a credential says when it was issued, to the second", async () => {
  const before = Date.now();
  const jwt = await issueMember(await makeHubIdentity(["127.0.0.1"]), "east", makeUserKey().publicKey);
  expect(Math.abs(issuedAt(jwt) - before)).toBeLessThan(60_000);
});

test.each(["", "a.b.c", "eyJ9.e30.x"])("%j is no such JWT", (text) => {
  expect(() => issuedAt(text)).toThrow("not a JWT");
});
