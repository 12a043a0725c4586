import { beforeAll, describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { X509Certificate } from "node:crypto";
import { issueJoin } from "./credentials.ts";
import { makeHubIdentity } from "./hub-identity.ts";
import { decodeJoinToken, encodeJoinToken } from "./join-token.ts";
import type { JoinToken } from "./join-token.ts";
import { openSigner } from "./signature.ts";
import { makeUserKey } from "./user-key.ts";

let token: JoinToken;
let text: string;

beforeAll(async () => {
  const identity = await makeHubIdentity(["hub.example"]);
  const user = makeUserKey();
  token = {
    mesh: identity.mesh,
    id: "east-9f3a77c1",
    cluster: "east",
    urls: ["tls://hub.example:4222", "tls://192.0.2.1:4222"],
    ca: identity.ca.certPEM,
    hubKey: openSigner(identity.signingSeed).publicKey,
    userJWT: await issueJoin(identity, "east-9f3a77c1", user.publicKey, Date.now() + 3_600_000),
    userSeed: user.seed,
  };
  text = encodeJoinToken(token);
});

describe("a join token", () => {
  test("comes back as it was made, and its CA is a certificate", () => {
    const read = decodeJoinToken(text);
    expect(read).toEqual(token);
    expect(new X509Certificate(read.ca).ca).toBe(true);
  });

  test("is one word that a terminal takes by a double click, of modest length", () => {
    expect(text).toMatch(/^trestle1_[A-Za-z0-9_-]+$/);
    expect(text.length).toBeLessThan(1_400);
  });

  test("blanks and line ends of a pasted one are forgiven, wherever they are", () => {
    fc.assert(
      fc.property(
        fc.array(fc.nat(text.length), { maxLength: 20 }),
        fc.constantFrom("\n", " ", "\r\n", "\t"),
        (places, blank) => {
          const pasted = places.reduce((so, at) => so.slice(0, at) + blank + so.slice(at), text);
          expect(decodeJoinToken(`  ${pasted}\n`)).toEqual(token);
        },
      ),
    );
  });

  test("cut off anywhere it is refused", () => {
    for (let length = 0; length < text.length; length += 1) {
      expect(() => decodeJoinToken(text.slice(0, length))).toThrow(
        expect.objectContaining({ code: "bad-token", retry: false }),
      );
    }
  });

  test("with one letter altered it is refused", () => {
    // The last letter of base64 may hold bits that count for nothing.
    for (let at = 0; at < text.length - 1; at += 1) {
      const altered = text.slice(0, at) + (text[at] === "x" ? "y" : "x") + text.slice(at + 1);
      expect(() => decodeJoinToken(altered)).toThrow(expect.objectContaining({ code: "bad-token" }));
    }
  });

  test.each([
    ["nothing", "", /not a join token/],
    ["a JWT", "eyJhbGciOiJ", /not a join token/],
    ["a token of a newer trestle", "trestle2_abc", /update trestle/],
    ["a token without content", "trestle1_", /cut off/],
    ["a token of a version that never was", "trestle0_abcdefgh", /cut off/],
  ])("%s is told as such", (_, input, message) => {
    expect(() => decodeJoinToken(input)).toThrow(message);
  });

  test("garbage is refused and never crashes", () => {
    fc.assert(
      fc.property(
        fc.oneof(
          fc.string(),
          fc.base64String().map((rest) => `trestle1_${rest}`),
        ),
        (garbage) => {
          expect(() => decodeJoinToken(garbage)).toThrow(expect.objectContaining({ code: "bad-token" }));
        },
      ),
    );
  });
});
