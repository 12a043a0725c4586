import { expect, test } from "@jest/globals";
import { misled } from "./sent.ts";

const NONE = new Map([
  ["trs0-0", 0],
  ["hand0", 0],
  ["eth0", 0],
]);
const ends = { devices: ["trs0-0", "hand0", "eth0"], outer: "eth0" };

test.each([
  ["trs0-0", { "trs0-0": 1100, hand0: 0, eth0: 1200 }, undefined],
  ["trs0-0", { "trs0-0": 1100, hand0: 96, eth0: 1200 }, undefined],
  [
    "hand0",
    { "trs0-0": 1100, hand0: 0, eth0: 1200 },
    "of 1000 bytes meant for hand0, 0 bytes left by hand0, 1100 bytes left by trs0-0",
  ],
  ["eth0", { "trs0-0": 0, hand0: 0, eth0: 1100 }, undefined],
  ["eth0", { "trs0-0": 0, hand0: 1100, eth0: 1200 }, "of 1000 bytes meant for eth0, 1100 bytes left by hand0"],
])("what shall leave by %s and moves %j is judged", (device, moved, fault) => {
  const after = new Map(Object.entries(moved));
  expect(misled([NONE, after], 1000, { ...ends, device })).toBe(fault);
});

test("only what moved since counts", () => {
  const busy = new Map([["hand0", 5_000_000]]);
  expect(misled([busy, new Map([...busy, ["trs0-0", 2000]])], 1000, { ...ends, device: "trs0-0" })).toBeUndefined();
});
