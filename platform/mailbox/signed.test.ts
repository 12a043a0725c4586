import { expect, test } from "@jest/globals";
import fc from "fast-check";
import { generateSeed, openSigner } from "../identity/signature.ts";
import { openSigned, parseSigned, signText } from "./signed.ts";

const signer = openSigner(generateSeed());
const anyText = fc.string({ unit: "binary" });

test("what was signed is read back word for word", () => {
  fc.assert(
    fc.property(anyText, (payload) => {
      const text = signText("report", payload, signer);
      expect(openSigned("report", text, signer.publicKey)).toBe(payload);
      expect(parseSigned(text)?.payload).toBe(payload);
    }),
  );
});

test("words said for one purpose are worth nothing for another", () => {
  const text = signText("report", "{}", signer);
  for (const context of ["head", "answer", "join-token", "join", "renew", "leave"] as const) {
    expect(openSigned(context, text, signer.publicKey)).toBeUndefined();
  }
});

test("one letter changed anywhere, and nothing is believed", () => {
  const text = signText("head", '{"member":"east"}', signer);
  for (let at = 0; at < text.length; at += 1) {
    const letter = text[at] === "A" ? "B" : "A";
    expect(openSigned("head", text.slice(0, at) + letter + text.slice(at + 1), signer.publicKey)).toBeUndefined();
  }
});

test("garbage is no signed text", () => {
  fc.assert(
    fc.property(anyText, (garbage) => {
      expect(openSigned("head", garbage, signer.publicKey)).toBeUndefined();
    }),
  );
});

test("another's key does not open it", () => {
  expect(openSigned("head", signText("head", "{}", openSigner(generateSeed())), signer.publicKey)).toBeUndefined();
});
