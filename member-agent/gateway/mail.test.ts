import { expect, test } from "@jest/globals";
import { generateSeed, openSigner } from "../../platform/identity/signature.ts";
import { digestOf } from "../../platform/mailbox/digest.ts";
import type { StoredView } from "../../platform/mailbox/head.ts";
import { WIRE_VERSION } from "../../platform/mailbox/head.ts";
import { signText } from "../../platform/mailbox/signed.ts";
import { withFolder } from "../testing/folder.ts";
import { isBelieved, readLastView, ViewReader, writeLastView } from "./mail.ts";

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
    expect(stored && new ViewReader().openStored(stored, pins)).toEqual({
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
  expect(new ViewReader().openStored(stored, pins)).toBeUndefined();
});

test.each([
  ["without the member's own record", JSON.stringify({ entries: [] })],
  ["with an entry that does not parse", JSON.stringify({ self, entries: [{ peer: "west" }] })],
  ["that is not JSON", "{"],
])("a view %s is believed but can't be used, and says why", (_, page) => {
  const stored = signedView([page]);
  expect(isBelieved(stored, pins)).toBe(true);
  expect(() => new ViewReader().openStored(stored, pins)).toThrow(expect.objectContaining({ code: "bad-view" }));
});

test("what did not change in a newer view is the same object as before, and what did is not", () => {
  const pageOf = (number: number, prefix: string): string => {
    const peer = { name: `c${number}`, number, podCIDRs: [prefix], announcedCIDRs: [], meshPrefixes: [], gateways: [] };
    return JSON.stringify({ entries: [{ peer, tunnel: "WireGuard" }] });
  };
  const reader = new ViewReader();
  const [before, after] = ["10.3.0.0/16", "10.4.0.0/16"].map((prefix) =>
    reader.openStored(signedView([PAGE, pageOf(2, "10.2.0.0/16"), pageOf(3, prefix)]), pins),
  );
  expect(after?.view.self).toBe(before?.view.self);
  expect(after?.view.entries[0]).toBe(before?.view.entries[0]);
  expect(after?.view.entries[1]?.peer.podCIDRs).toEqual(["10.4.0.0/16"]);
});

test("a view that can't be used leaves the reader as it was", () => {
  const reader = new ViewReader();
  const before = reader.openStored(signedView([PAGE]), pins);
  expect(() => reader.openStored(signedView([PAGE, "{"]), pins)).toThrow("does not parse");
  expect(reader.openStored(signedView([PAGE]), pins)?.view.self).toBe(before?.view.self);
});
