import { expect, test } from "@jest/globals";
import { parseCidr } from "../../mesh/cidr.ts";
import { gatewayRecord, keyOf } from "../../mesh/testing/gateways.ts";
import type { ViewEntry } from "../../mesh/view-records.ts";
import { generateSeed, openSigner } from "../../platform/identity/signature.ts";
import { digestOf } from "../../platform/mailbox/digest.ts";
import type { StoredView } from "../../platform/mailbox/head.ts";
import { WIRE_VERSION } from "../../platform/mailbox/head.ts";
import { signText } from "../../platform/mailbox/signed.ts";
import { planDataPath } from "../plan.ts";
import { remotesOf } from "../situation.ts";
import { withFolder } from "../testing/folder.ts";
import { situationOf } from "../testing/situations.ts";
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
      faults: [],
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

const entry = (number: number, gateways = [gatewayRecord(0, { publicKey: keyOf(number) })]): ViewEntry => {
  const peer = { name: `c${number}`, number, podCIDRs: [`10.${number}.0.0/16`], announcedCIDRs: [], gateways };
  return {
    peer: { ...peer, meshPrefixes: [`100.64.${number * 4}.0/22`] },
    tunnel: number % 2 === 0 ? "WireGuard" : "VXLAN",
  };
};

const opened = (...pages: readonly ViewEntry[][]) =>
  new ViewReader().openStored(signedView([PAGE, ...pages.map((entries) => JSON.stringify({ entries }))]), pins);

test.each<[string, Record<string, unknown>, RegExp]>([
  ["a rank that is none", { gateways: [gatewayRecord(16), gatewayRecord(0)] }, /16 is not a rank/],
  ["a prefix that is none", { podCIDRs: ["10.9.0.0/33", "10.3.0.0/16"] }, /10.9.0.0\/33 of cluster "c3"/],
  ["a mesh prefix that is none", { meshPrefixes: ["?".repeat(500), "100.64.12.0/22"] }, /\?… of cluster "c3"/],
])(
  "a view in which one cluster has %s is carried out for all the others, and for the rest of that one",
  (_, bad, why) => {
    const good = [entry(2), entry(3), entry(4)];
    const [, three] = good;
    const hostile = good.map((each) =>
      each === three ? { ...each, peer: { ...each.peer, ...bad } } : each,
    ) as ViewEntry[];
    const planned = (entries: readonly ViewEntry[]) => {
      const remotes = remotesOf({ self, entries }, { families: [4], resolved: new Map() });
      // As does whoever looks which of them this node can't have.
      for (const { prefixes } of remotes) prefixes.forEach(parseCidr);
      return planDataPath(situationOf({ nodes: 1, gateways: 1, node: 0, remotes }));
    };
    expect(() => planned(hostile)).toThrow(RangeError);
    const mail = opened(hostile);
    expect(mail?.faults).toMatchObject([{ cluster: "c3", message: expect.stringMatching(why) }]);
    const rest = "gateways" in bad ? [entry(2), entry(3, [gatewayRecord(0)]), entry(4)] : good;
    expect(mail?.view.entries).toEqual(rest);
    expect(planned(mail?.view.entries ?? [])).toEqual(planned(rest));
  },
);

test("a key of two clusters is that of the one with the lower number, though they are on different pages", () => {
  const mail = opened([entry(20, [gatewayRecord(0, { publicKey: keyOf(4) })])], [entry(4)]);
  expect(mail?.view.entries.map(({ peer }) => [peer.name, peer.gateways.length])).toEqual([
    ["c20", 0],
    ["c4", 1],
  ]);
  expect(mail?.faults).toMatchObject([{ cluster: "c20", kind: "gateway", subject: "node-0" }]);
});
