import { describe, expect, test } from "@jest/globals";
import { gatewayRecord, keyOf } from "./testing/gateways.ts";
import { soundEntries, soundRecord, withoutDoubles } from "./view-faults.ts";
import type { PeerRecord, ViewEntry } from "./view-records.ts";

const entry = (number: number, changes: Partial<PeerRecord> = {}): ViewEntry => ({
  peer: {
    name: `c${number}`,
    number,
    podCIDRs: [`10.${number}.0.0/16`],
    announcedCIDRs: [],
    meshPrefixes: [`100.64.${number * 4}.0/22`],
    gateways: [gatewayRecord(0, { publicKey: keyOf(number) })],
    ...changes,
  },
  tunnel: "WireGuard",
});

const subjects = (faults: readonly { readonly cluster: string; readonly subject: string }[]): string[] =>
  faults.map(({ cluster, subject }) => `${cluster}: ${subject}`);

describe("of what a view says of linked clusters", () => {
  test("all is taken, as it is, where nothing is wrong", () => {
    const entries = [entry(1), entry(2)];
    const { sound, faults } = soundEntries(entries);
    expect([sound[0], faults]).toEqual([entries[0], []]);
    expect(sound[0]).toBe(entries[0]);
    expect(withoutDoubles(entries).sound).toBe(entries);
  });

  test("a bad gateway goes alone", () => {
    const good = gatewayRecord(1);
    const { sound, faults } = soundEntries([entry(1, { gateways: [gatewayRecord(16), good] }), entry(2)]);
    expect(sound.map(({ peer }) => peer.gateways)).toEqual([[good], entry(2).peer.gateways]);
    expect(faults).toEqual([
      {
        cluster: "c1",
        kind: "gateway",
        subject: "node-16",
        message: 'of cluster "c1" gateway "node-16" is left out: 16 is not a rank: ranks run from 0 to 15',
      },
    ]);
  });

  test.each([
    ["podCIDRs", "10.9.0.0"],
    ["podCIDRs", "10.9.0.1/16"],
    ["announcedCIDRs", "nonsense"],
    ["announcedCIDRs", "fd00:0::/48"],
    ["meshPrefixes", "100.64.0.0/27"],
    ["meshPrefixes", "fd64::/123"],
  ] as const)("a prefix of %s that is none goes alone: %s", (field, bad) => {
    const good = entry(1).peer;
    const { sound, faults } = soundEntries([entry(1, { [field]: [bad, ...good[field]] }), entry(2)]);
    expect(sound).toEqual([entry(1), entry(2)]);
    expect(subjects(faults)).toEqual([`c1: ${bad}`]);
    expect(soundRecord({ ...good, [field]: [bad] }).sound[field]).toEqual([]);
  });

  test.each([
    ["without a name", { name: "A B" }],
    ["without a number", { number: 0 }],
    ["with a number of more than 16 bits", { number: 65_536 }],
  ])("a cluster %s goes alone", (_, change) => {
    const { sound, faults } = soundEntries([entry(1, change), entry(2)]);
    expect(sound).toEqual([entry(2)]);
    expect(faults).toMatchObject([{ kind: "cluster" }]);
  });

  test("of two clusters with one number, or name, one stays", () => {
    const { sound, faults } = withoutDoubles([entry(3), entry(3, { name: "other" }), entry(4, { name: "c3" })]);
    expect(sound).toEqual([entry(3)]);
    expect(subjects(faults)).toEqual(["other: other", "c3: c3"]);
  });

  test("a key is that of the cluster with the lower number, in whatever order they come", () => {
    const thief = entry(5, { gateways: [gatewayRecord(0, { publicKey: keyOf(2) }), gatewayRecord(1)] });
    for (const entries of [
      [entry(2), thief],
      [thief, entry(2)],
    ]) {
      const { sound, faults } = withoutDoubles(entries);
      expect(new Map(sound.map(({ peer }) => [peer.name, peer.gateways]))).toEqual(
        new Map([
          ["c2", entry(2).peer.gateways],
          ["c5", [gatewayRecord(1)]],
        ]),
      );
      expect(faults).toMatchObject([
        { cluster: "c5", kind: "gateway", subject: "node-0", message: expect.stringContaining('of cluster "c2"') },
      ]);
    }
  });
});
