import { beforeEach, expect, test } from "@jest/globals";
import type { IPInstance } from "../../mesh/ipam/resources.ts";
import { instance, subnet } from "../../mesh/ipam/testing/objects.ts";
import { UnderlaySupplies } from "./underlay-supplies.ts";

const LAN = subnet("lan", "192.168.1.0/24", { range: { start: "192.168.1.160", end: "192.168.1.161" } });

let supplies: UnderlaySupplies;
beforeEach(() => {
  supplies = new UnderlaySupplies("a");
  supplies.follow([LAN]);
});

/** What a watch says of a claim, and of its end. */
function claimed(address: string): { readonly object: IPInstance; readonly undo: () => void } {
  const object = instance(address, "lan");
  const { name } = object.metadata;
  supplies.note({ op: "put", name, object });
  return { object, undo: () => supplies.note({ op: "delete", name }) };
}

/** All that looks free, one after the other. */
function takeAll(): string[] {
  const address = supplies.take("lan");
  return address === undefined ? [] : [address, ...takeAll()];
}

test("what the store says that somebody has does not look free, until it says otherwise", () => {
  const { undo } = claimed("192.168.1.160");
  expect(takeAll()).toEqual(["192.168.1.161"]);
  undo();
  expect(takeAll()).toEqual(["192.168.1.160"]);
});

test.each(["before", "after"])(
  "an address that a machine of the LAN has does not look free because the claim on it ended, %s that is known",
  (order) => {
    const address = supplies.take("lan") ?? "";
    const { undo } = claimed(address);
    if (order === "before") undo();
    supplies.shun("lan", address);
    if (order === "after") undo();
    expect(takeAll()).not.toContain(address);
    supplies.follow([{ ...LAN, spec: { ...LAN.spec, reservedIPs: ["192.168.1.162"] } }]);
    expect(takeAll()).not.toContain(address);
    supplies.release("lan", address);
    expect(takeAll()).toEqual([address]);
  },
);

test("what this node's pods gave back before a restart is given again last, the one freed longest ago first", () => {
  const wide = subnet("lan", "192.168.1.0/24", { range: { start: "192.168.1.160", end: "192.168.1.163" } });
  supplies.follow([wide]);
  const order = takeAll();
  const [first = "", second = "", ...fresh] = order;
  const again = new UnderlaySupplies("a");
  again.follow([wide], [second, first, "10.0.0.1"]);
  supplies = again;
  expect(takeAll()).toEqual([...fresh, second, first]);
});

test("what was taken, and the store was never heard to say of, is given back unless it is being used", () => {
  const [one = "", two = ""] = takeAll();
  const { undo } = claimed(two);
  supplies.giveBack((address) => address === one);
  expect(takeAll()).toEqual([]);
  supplies.giveBack(() => false);
  expect(takeAll()).toEqual([one]);
  undo();
  expect(takeAll()).toEqual([two]);
});
