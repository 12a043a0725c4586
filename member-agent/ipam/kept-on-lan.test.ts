import { expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import type { PodFacts } from "../../mesh/ipam/annotations.ts";
import { instance, subnet } from "../../mesh/ipam/testing/objects.ts";
import type { IPInstance, IPInstanceSpec } from "../../mesh/ipam/resources.ts";
import { systemClock } from "../../platform/clock.ts";
import { attachmentOf, factsOf } from "../testing/address-node.ts";
import { withStock } from "../testing/address-stock.ts";
import type { StockWorld } from "../testing/address-stock.ts";
import { silent } from "../testing/folder.ts";
import { Allocator } from "./allocator.ts";

/** Pods that come back to what is kept for them of a LAN. */

const ADDRESS = "192.168.1.5";
const GATEWAY = "192.168.1.6";
const HALL = subnet("hall", "192.168.1.0/29", { network: "lan", gateway: GATEWAY, checkGateway: true });
const ON_LAN = { [ANNOTATIONS.networkType]: "Underlay" };
const MACHINE = "02:00:00:00:00:09";

interface World extends StockWorld {
  /** Addresses of the pod that is added now. */
  readonly add: (facts: PodFacts) => Promise<readonly string[]>;
  /** MAC addresses on the LAN, by address; the gateway answers from the start. */
  readonly lan: Map<string, string>;
  /** What was asked there. */
  readonly probed: string[];
}

/** Node "a". */
async function onLan(use: (world: World) => Promise<void>): Promise<void> {
  await withStock([HALL], async (world) => {
    const lan = new Map([[GATEWAY, "02:00:00:00:00:01"]]);
    const probed: string[] = [];
    const probe = async (address: string) => {
      probed.push(address);
      return lan.get(address);
    };
    const reaches = async (gateway: string) => lan.has(gateway);
    const { signal } = new AbortController();
    const allocator = new Allocator({ stock: world.stock, probe, reaches, clock: systemClock, signal, log: silent });
    const add = async (facts: PodFacts) =>
      (await allocator.allocate(facts, attachmentOf("now"))).bindings.map(({ address }) => address);
    await use({ ...world, add, lan, probed });
  });
}

/** Kept for the pod of a set, which does not run. */
const retained = (spec: Partial<IPInstanceSpec> = {}): IPInstance =>
  instance(ADDRESS, "hall", {
    network: "lan",
    pod: { namespace: "shop", name: "web-0", uid: "earlier" },
    owner: { kind: "StatefulSet", name: "web", uid: "uid-web" },
    node: undefined,
    attachment: undefined,
    retained: true,
    ...spec,
  });
const reserved = retained({ pod: { namespace: "shop", name: "till", uid: "" }, owner: undefined });

test.each([
  ["is reserved for a pod", reserved, factsOf("till", ON_LAN)],
  [
    "is reserved for a pod that names it and keeps none",
    reserved,
    factsOf("till", { [ANNOTATIONS.ip]: ADDRESS, [ANNOTATIONS.retain]: "false" }),
  ],
  ["is retained for a pod that does not run", retained(), factsOf("web-0", ON_LAN, "web")],
])(
  "what %s is given only while nobody on the LAN has it and the gateway answers, and stays kept until then",
  async (_, kept, facts) => {
    await onLan(async ({ add, put, store, lan, stock }) => {
      await put(kept);
      lan.set(ADDRESS, MACHINE);
      await expect(add(facts)).rejects.toMatchObject({
        code: "address-on-lan",
        message: expect.stringContaining(`by ${MACHINE}; free it there`),
      });
      lan.clear();
      await expect(add(facts)).rejects.toMatchObject({ code: "gateway-silent", retry: true });
      expect((await store.list(ipInstanceKind)).map(({ spec }) => spec)).toEqual([kept.spec]);
      expect([stock.claiming.size, stock.book.bindings.size]).toEqual([0, 0]);
      lan.set(GATEWAY, "02:00:00:00:00:01");
      expect(await add(facts)).toEqual([ADDRESS]);
    });
  },
);

test("what a sandbox has is given to the next one of its pod unasked: the node that the pod leaves may still answer for it", async () => {
  await onLan(async ({ add, put, lan, probed }) => {
    await put(retained({ node: "b", attachment: attachmentOf("on-b") }));
    lan.set(ADDRESS, "02:00:00:00:00:0b");
    expect(await add(factsOf("web-0", ON_LAN, "web"))).toEqual([ADDRESS]);
    expect(probed).toEqual([]);
  });
});
