import { expect, test } from "@jest/globals";
import { generateSeed, openSigner } from "../../platform/identity/signature.ts";
import { digestOf } from "../../platform/mailbox/digest.ts";
import type { StoredView } from "../../platform/mailbox/head.ts";
import { WIRE_VERSION } from "../../platform/mailbox/head.ts";
import { signText } from "../../platform/mailbox/signed.ts";
import { withFolder } from "../testing/folder.ts";
import { isBelieved, openStoredView, readLastView, writeLastView } from "./mail.ts";

const hub = openSigner(generateSeed());
const pins = { mesh: "m", member: "east", hubKey: hub.publicKey };
const self = { name: "east", number: 1, podCIDRs: ["10.64.0.0/16"], announcedCIDRs: [], meshPrefixes: [] };
const PAGE = JSON.stringify({ self, entries: [] });

function signedView(pages: readonly string[], signer = hub, member = "east"): StoredView {
  const head = { wireVersion: WIRE_VERSION, mesh: "m", member, epoch: 2, generation: 7, refresh: 0 };
  return {
    signedHead: signText("head", JSON.stringify({ ...head, pages: pages.map(digestOf) }), signer),
    pages,
  };
}

test("a view from disk says what it said when it was accepted", () =>
  withFolder(async (folder) => {
    await writeLastView(folder, signedView([PAGE]));
    const stored = await readLastView(folder);
    expect(stored && openStoredView(stored, pins)).toEqual({
      view: { self, entries: [] },
      revision: { epoch: 2, generation: 7 },
    });
  }));

test.each<[string, StoredView]>([
  ["signed by another hub", signedView([PAGE], openSigner(generateSeed()))],
  ["made for another member", signedView([PAGE], hub, "west")],
  ["with a page that was changed", { ...signedView([PAGE]), pages: [PAGE.replace("10.64", "10.65")] }],
  ["with a page that is missing", { ...signedView([PAGE, PAGE]), pages: [PAGE] }],
  ["that is no head at all", { signedHead: "x", pages: [PAGE] }],
])("a view %s is not believed", (_, stored) => {
  expect(isBelieved(stored, pins)).toBe(false);
  expect(openStoredView(stored, pins)).toBeUndefined();
});

test.each([
  ["without the member's own record", JSON.stringify({ entries: [] })],
  ["with an entry that does not parse", JSON.stringify({ self, entries: [{ peer: "west" }] })],
  ["that is not JSON", "{"],
])("a view %s is believed but can't be used, and says why", (_, page) => {
  const stored = signedView([page]);
  expect(isBelieved(stored, pins)).toBe(true);
  expect(() => openStoredView(stored, pins)).toThrow(expect.objectContaining({ code: "bad-view" }));
});
