import { describe, expect, test } from "@jest/globals";
import fc from "fast-check";
import { generateSeed, openSigner } from "../identity/signature.ts";
import { digestOf } from "./digest.ts";
import { compareHeads, isStale, judgeHead, verifyStored } from "./head.ts";
import type { Head } from "./head.ts";
import { signText } from "./signed.ts";

const hub = openSigner(generateSeed());
const pins = { mesh: "m1", member: "east", hubKey: hub.publicKey };
const page = '{"entries":[]}';
const head: Head = {
  wireVersion: 1,
  mesh: "m1",
  member: "east",
  epoch: 2,
  generation: 5,
  refresh: 3,
  pages: [digestOf(page)],
};
const sign = (change: Record<string, unknown> = {}, signer = hub) =>
  signText("head", JSON.stringify({ ...head, ...change }), signer);

describe("a head is refused", () => {
  test.each([
    ["signed by another hub", sign({}, openSigner(generateSeed())), "wrong-signature"],
    ["altered after it was signed", sign().replace('"generation":5', '"generation":6'), "wrong-signature"],
    ["that is a report", signText("report", JSON.stringify(head), hub), "wrong-signature"],
    ["that is garbage", "garbage", "wrong-signature"],
    ["of another mesh", sign({ mesh: "m2" }), "other-mesh"],
    ["for another member", sign({ member: "west" }), "wrong-audience"],
    [
      "of a newer wire version, whatever else it holds",
      signText("head", '{"wireVersion":2}', hub),
      "unsupported-version",
    ],
    ["that is no JSON", signText("head", "{", hub), "malformed"],
    ["without a field", sign({ epoch: undefined }), "malformed"],
    ["whose page is no digest", sign({ pages: ["../../head"] }), "malformed"],
    ["of an older epoch", sign({ epoch: 1, generation: 9 }), "older"],
    ["of an older generation", sign({ generation: 4, refresh: 9 }), "older"],
    ["with an older refresh counter", sign({ refresh: 2 }), "older"],
    ["that names other pages for a known revision", sign({ refresh: 4, pages: [digestOf("other")] }), "contradictory"],
  ])("%s", (_, text, reason) => {
    expect(judgeHead(text, pins, head)).toMatchObject({ refused: reason });
  });
});

describe("a head is accepted", () => {
  test.each([
    ["the first one, whatever its revision", sign(), undefined, "view"],
    ["of a newer generation", sign({ generation: 6, refresh: 0 }), head, "view"],
    ["of a newer epoch, whose generation began anew", sign({ epoch: 3, generation: 1, refresh: 0 }), head, "view"],
    ["with a newer refresh counter", sign({ refresh: 4 }), head, "refresh"],
    ["word for word the known one", sign(), head, "nothing"],
    ["with a field of tomorrow", sign({ generation: 6, colour: "blue" }), head, "view"],
  ] as const)("%s", (_, text, last, news) => {
    expect(judgeHead(text, pins, last)).toMatchObject({ news });
  });
});

test("of any two heads accepted in turn the second is not older", () => {
  const some = fc.record({ epoch: fc.nat(3), generation: fc.nat(3), refresh: fc.nat(3) });
  fc.assert(
    fc.property(some, some, (first, second) => {
      const last = { ...head, ...first };
      const verdict = judgeHead(sign(second), pins, last);
      expect(verdict.accepted !== undefined).toBe(compareHeads({ ...head, ...second }, last) >= 0);
    }),
  );
});

test.each([
  [0, 89_999, false],
  [0, 90_000, true],
  [50_000, 139_999, false],
  [50_000, 140_000, true],
])("refreshed at %i, at %i stale is %p", (lastRefreshAt, now, stale) => {
  expect(isStale(lastRefreshAt, now)).toBe(stale);
});

describe("a view from disk", () => {
  test("is believed when its head and its pages are the hub's", () => {
    expect(verifyStored({ signedHead: sign(), pages: [page] }, pins)).toMatchObject({ accepted: head });
  });

  test.each([
    ["an altered page", { signedHead: sign(), pages: [`${page} `] }],
    ["a missing page", { signedHead: sign(), pages: [] }],
    ["a page too many", { signedHead: sign(), pages: [page, page] }],
    ["another's head", { signedHead: sign({ member: "west" }), pages: [page] }],
  ])("with %s is not", (_, stored) => {
    expect(verifyStored(stored, pins).accepted).toBeUndefined();
  });
});
