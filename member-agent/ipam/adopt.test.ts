import { expect, test } from "@jest/globals";
import { instance, subnet } from "../../mesh/ipam/testing/objects.ts";
import type { IPInstanceSpec } from "../../mesh/ipam/resources.ts";
import { attachmentOf } from "../testing/address-node.ts";
import { withStock } from "../testing/address-stock.ts";
import type { StockWorld } from "../testing/address-stock.ts";
import { silent } from "../testing/folder.ts";
import { adoptWires } from "./adopt.ts";
import type { Binding } from "./binding.ts";
import type { ObservedWire } from "./wires.ts";

const SUBNETS = [
  subnet("pods", "10.0.0.0/28", { blockSize: 29 }),
  subnet("hall", "192.168.1.0/24", { network: "lan" }),
];
const wire = (sandbox: string, ...addresses: string[]): ObservedWire => ({
  attachment: attachmentOf(sandbox),
  addresses,
});

/** Node "a" on a new disk, which owns the first of two blocks. @returns addresses whose routes were taken away */
async function adopt({ stock, putBlock, follow }: StockWorld, wires: readonly ObservedWire[]): Promise<string[]> {
  const cut: string[] = [];
  await putBlock("10.0.0.0/29", "a");
  await follow();
  await adoptWires(stock, wires, { cutOff: async ({ address }: Binding) => void cut.push(address), log: silent });
  return cut;
}

test.each<[string, string, Partial<IPInstanceSpec> | undefined, Partial<Binding>]>([
  [
    "of its block that the store was not told of",
    "10.0.0.1",
    undefined,
    { pod: { namespace: "unknown", name: "s", uid: "s" }, claimed: false },
  ],
  [
    "of its block that the store knows",
    "10.0.0.1",
    {},
    { pod: { namespace: "shop", name: "web-0", uid: "uid-web-0" }, claimed: false },
  ],
  ["that is retained", "10.0.0.1", { retained: true }, { retained: true, claimed: true }],
  ["that was borrowed", "10.0.0.9", {}, { claimed: true, type: "Overlay" }],
  [
    "of the LAN",
    "192.168.1.7",
    { subnet: "hall", network: "lan" },
    { claimed: true, type: "Underlay", subnet: "hall" },
  ],
])("a pod with a wire keeps an address %s", async (_, address, spec, expected) => {
  await withStock(SUBNETS, async (world) => {
    if (spec !== undefined) await world.put(instance(address, "pods", { attachment: attachmentOf("s"), ...spec }));
    expect(await adopt(world, [wire("s", address)])).toEqual([]);
    expect(world.stock.book.of(attachmentOf("s"))).toMatchObject([{ address, ...expected }]);
    expect(world.stock.blocks.claim(address)).toBe(false);
  });
});

test("what was given to a pod of another node meanwhile is cut off from its wire, and held for that", async () => {
  await withStock(SUBNETS, async (world) => {
    await world.put(instance("10.0.0.1", "pods", { node: "b", attachment: attachmentOf("on-b") }));
    expect(await adopt(world, [wire("s", "10.0.0.1", "10.0.0.2")])).toEqual(["10.0.0.1"]);
    expect([...world.stock.book.bindings.keys()]).toEqual(["10.0.0.2"]);
    expect([...world.stock.book.held]).toEqual(["10.0.0.1"]);
  });
});

test("what the book says already is not asked of the kernel, and an address of no Subnet is nobody's", async () => {
  await withStock(SUBNETS, async (world) => {
    await adopt(world, [wire("s", "10.0.0.1", "172.16.0.1"), { addresses: ["10.0.0.3"] }]);
    const before = [...world.stock.book.bindings.values()];
    expect(before.map(({ address }) => address)).toEqual(["10.0.0.1"]);
    const again = { cutOff: () => Promise.reject(new Error("nothing is lost")), log: silent };
    await adoptWires(world.stock, [wire("another", "10.0.0.1")], again);
    expect([...world.stock.book.bindings.values()]).toEqual(before);
  });
});
