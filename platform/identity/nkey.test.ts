import { createAccount, createOperator, createUser, fromPublic, fromSeed } from "@nats-io/nkeys";
import { expect, test } from "@jest/globals";
import { isUserKey, openNkey, rawPublicKeyOfUser, rawSeedOfUser } from "./nkey.ts";
import { isSignedBy, openSigner } from "./signature.ts";

const text = new TextDecoder();
const bytes = Buffer.from("some words");

test("what node:crypto signs with a NATS user's key, the nkeys library verifies, and the other way round", () => {
  const user = createUser();
  const signer = openSigner(rawSeedOfUser(text.decode(user.getSeed())));
  const publicKey = user.getPublicKey();

  expect(rawPublicKeyOfUser(publicKey)).toBe(signer.publicKey);
  expect(fromPublic(publicKey).verify(bytes, Buffer.from(signer.sign(bytes), "base64url"))).toBe(true);
  const theirs = fromSeed(user.getSeed()).sign(bytes);
  expect(isSignedBy(signer.publicKey, bytes, Buffer.from(theirs).toString("base64url"))).toBe(true);
});

test.each([createOperator, createAccount, createUser])(
  "a pair is what the nkeys library makes of the seed: %p",
  (create) => {
    const theirs = create();
    const ours = openNkey(text.decode(theirs.getSeed()));
    expect(ours.getPublicKey()).toBe(theirs.getPublicKey());
    expect(text.decode(ours.getPrivateKey())).toBe(text.decode(theirs.getPrivateKey()));
    expect(text.decode(ours.getSeed())).toBe(text.decode(theirs.getSeed()));
    expect(theirs.verify(bytes, ours.sign(bytes))).toBe(true);
    expect(ours.verify(bytes, theirs.sign(bytes))).toBe(true);
  },
);

const user = createUser().getPublicKey();
test.each([
  ["nothing", ""],
  ["an account's key", createAccount().getPublicKey()],
  ["a truncated key", user.slice(0, -3)],
  ["a key with one letter changed", user.replace(/.$/, (last) => (last === "A" ? "B" : "A"))],
  ["a key with a letter outside the alphabet", user.replace(/.$/, "1")],
  ["a seed", text.decode(createUser().getSeed())],
])("%s is no user key", (_, key) => {
  expect(isUserKey(key)).toBe(false);
  expect(() => rawPublicKeyOfUser(key)).toThrow(expect.objectContaining({ code: "bad-key" }));
});

test("a public key is no seed", () => {
  expect(isUserKey(user)).toBe(true);
  expect(() => rawSeedOfUser(user)).toThrow(expect.objectContaining({ code: "bad-key" }));
});
