import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../platform/testing/eventually.ts";
import type { Crossing } from "../testing/crossing.ts";
import { AT, CROSSING, defaultRoutes, makeCrossing, protect } from "../testing/crossing.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { cable, ping } from "../testing/traffic.ts";

/** A node of another LAN that sends by VXLAN between nodes: to an underlay pod of this LAN, to its machines, to a pod. */
let crossing: Crossing;
let far: TestNode;

/** On the LAN, and in no underlay's range. */
const MACHINE = ["10.1.0.3", "fd65:1:0:1::3"] as const;

/** What comes by VXLAN passes only as it should be; answers pass. */
const OTHERS = `
table inet others {
  chain forward {
    type filter hook forward priority filter; policy drop;
    oifname "trnvx" accept
    ip daddr 10.1.0.3 goto unrelayed
    ip6 daddr fd65:1:0:1::3 goto unrelayed
    meta mark and 0x1000 != 0x1000 drop
    iifname "trnvx" oifname "eth0" ct state untracked accept
    iifname "trnvx" oifname "tp0" ct state new accept
  }
  chain unrelayed {
    meta mark and 0x1000 != 0x1000 ct state new accept
  }
}
`;

beforeAll(async () => {
  [crossing, far] = await Promise.all([makeCrossing(), makeTestNode("far")]);
  const { gateway } = crossing;
  await cable(
    { node: gateway, device: "trnvx", addresses: ["10.1.6.1/24", "fd65:1:0:6::1/64"] },
    { node: far, device: "eth0", addresses: ["10.1.6.2/24", "fd65:1:0:6::2/64"] },
  );
  await defaultRoutes(far, "10.1.6.1", "fd65:1:0:6::1");
  await eventually(() => ping(far, "fd65:1:0:6::1"));
  for (const address of MACHINE) await crossing.lan.run("ip", ["address", "add", address, "dev", "eth0"]);
  await protect(gateway, {
    ...CROSSING,
    clusterDevices: ["eth0", "trnvx"],
    insidePrefixes: ["10.1.0.2/32", "fd65:1:0:1::2/128"],
  });
  await eventually(() => ping(gateway, MACHINE[1]));
  await gateway.run("nft", ["-f", "-"], { stdin: OTHERS });
}, 120_000);
afterAll(async () => {
  await Promise.all([crossing, far].map((each) => each?.remove()));
}, 60_000);

test.each(AT.lan)(
  "relayed to an underlay, what comes by VXLAN is not tracked, for answers go another way: %s",
  async (to) => {
    expect(await ping(far, to)).toBe(true);
  },
);

test.each(AT.pod)("bound for a pod of this node it is: %s", async (to) => {
  expect(await ping(far, to)).toBe(true);
});

test.each(MACHINE)("bound for another machine of the LAN it is, and has no mark: %s", async (to) => {
  expect(await ping(far, to)).toBe(true);
});
