import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { VxlanDevice } from "../state.ts";
import { fdbLine, neighbourLine } from "./apply.ts";
import type { Entry, EntryStep, ObservedEntry } from "./plan.ts";
import { planEntries, wantedTables } from "./plan.ts";

const DEVICE: VxlanDevice = {
  name: "trsvx",
  vni: 2021,
  port: 7076,
  local: "192.0.2.1",
  mac: "02:74:67:00:01:00",
  mtu: 1450,
  peers: [
    { mac: "02:74:67:00:02:00", endpoint: "192.0.2.2", addresses: ["10.102.255.2", "fe80::74:67ff:fe00:200"] },
    { mac: "02:74:67:00:03:00", endpoint: "192.0.2.3", addresses: [] },
  ],
};
const WEST: Entry = { device: "trsvx", key: "02:74:67:00:02:00", value: "192.0.2.2" };
const SOUTH: Entry = { device: "trsvx", key: "02:74:67:00:03:00", value: "192.0.2.3" };

test("a peer is one fdb entry, and one neighbour for each of its addresses", () => {
  const { fdb, neighbours } = wantedTables([DEVICE]);
  expect(fdb.map((entry) => fdbLine({ op: "replace", ...entry }))).toEqual([
    "fdb replace 02:74:67:00:02:00 dev trsvx dst 192.0.2.2 self permanent",
    "fdb replace 02:74:67:00:03:00 dev trsvx dst 192.0.2.3 self permanent",
  ]);
  expect(neighbours.map((entry) => neighbourLine({ op: "replace", ...entry }))).toEqual([
    "neigh replace 10.102.255.2 dev trsvx lladdr 02:74:67:00:02:00 nud permanent",
    "neigh replace fe80::74:67ff:fe00:200 dev trsvx lladdr 02:74:67:00:02:00 nud permanent",
  ]);
});

test("the same MAC address on two devices is two peers", () => {
  const { fdb } = wantedTables([DEVICE, { ...DEVICE, name: "trsvx6", local: "2001:db8::1" }]);
  expect(planEntries(fdb, [WEST, SOUTH]).put).toHaveLength(2);
});

test.each<[string, readonly Entry[], readonly ObservedEntry[], readonly string[], readonly string[]]>([
  ["nothing differs", [WEST, SOUTH], [SOUTH, WEST], [], []],
  ["a peer comes", [WEST, SOUTH], [WEST], ["fdb replace 02:74:67:00:03:00 dev trsvx dst 192.0.2.3 self permanent"], []],
  ["a peer goes", [WEST], [WEST, SOUTH], [], ["fdb delete 02:74:67:00:03:00 dev trsvx self"]],
  [
    "a peer moves",
    [WEST],
    [{ ...WEST, value: "192.0.2.9" }],
    ["fdb replace 02:74:67:00:02:00 dev trsvx dst 192.0.2.2 self permanent"],
    [],
  ],
  [
    "an entry of another kind is deleted before it is written",
    [WEST],
    [{ ...WEST, value: undefined }],
    [
      "fdb delete 02:74:67:00:02:00 dev trsvx self",
      "fdb replace 02:74:67:00:02:00 dev trsvx dst 192.0.2.2 self permanent",
    ],
    [],
  ],
  [
    "a foreign default destination with two endpoints goes by one step",
    [],
    [
      { device: "trsvx", key: "00:00:00:00:00:00", value: "192.0.2.8" },
      { device: "trsvx", key: "00:00:00:00:00:00", value: "192.0.2.9" },
    ],
    [],
    ["fdb delete 00:00:00:00:00:00 dev trsvx self"],
  ],
])("%s", (_what, want, have, put, remove) => {
  const plan = planEntries(want, have);
  expect({ put: plan.put.map(fdbLine), remove: plan.remove.map(fdbLine) }).toEqual({ put, remove });
});

const keyOf = ({ device, key }: ObservedEntry) => `${device} ${key}`;

/** The kernel's rules: an entry that is of another kind is not replaced, one that is not there is not deleted. */
function applied(have: readonly ObservedEntry[], steps: readonly EntryStep[]): ObservedEntry[] {
  const table = new Map(have.map((entry) => [keyOf(entry), entry]));
  for (const step of steps) {
    const key = `${step.device} ${step.key}`;
    const before = table.get(key);
    if (step.op === "delete") {
      if (before === undefined) throw new Error(`refused: ${JSON.stringify(step)}`);
      table.delete(key);
    } else if (before === undefined || before.value !== undefined) {
      table.set(key, step);
    }
  }
  return [...table.values()];
}

test("applying a plan leaves nothing to plan, and writes only what differs", () => {
  const key = fc.record({ device: fc.constantFrom("trsvx", "trsvx6"), key: fc.constantFrom("a", "b", "c", "d") });
  const value = fc.constantFrom("1", "2");
  const wants = fc.uniqueArray(
    fc.tuple(key, value).map(([of, one]) => ({ ...of, value: one })),
    { selector: keyOf },
  );
  const haves = fc.uniqueArray(
    fc.tuple(key, fc.option(value, { nil: undefined })).map(([of, one]) => ({ ...of, value: one })),
    { selector: keyOf },
  );
  fc.assert(
    fc.property(wants, haves, (want, have) => {
      const { put, remove } = planEntries(want, have);
      const after = applied(applied(have, put), remove);
      expect(planEntries(want, after)).toEqual({ put: [], remove: [] });
      expect(new Set(after.map(keyOf))).toEqual(new Set(want.map(keyOf)));
      const same = want.filter((one) => have.some((other) => keyOf(other) === keyOf(one) && other.value === one.value));
      const touched = new Set([...put, ...remove].map((step) => `${step.device} ${step.key}`));
      expect(same.filter((one) => touched.has(keyOf(one)))).toEqual([]);
    }),
  );
});
