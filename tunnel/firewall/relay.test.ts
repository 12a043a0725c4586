import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../platform/testing/eventually.ts";
import type { Crossing } from "../testing/crossing.ts";
import { AT, CROSSING, defaultRoutes, makeCrossing, protect } from "../testing/crossing.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { cable, ping } from "../testing/traffic.ts";

/** A node of another LAN that sends by VXLAN between nodes, to this node's LAN and to its pod. */
let crossing: Crossing;
let far: TestNode;

/** What comes by VXLAN passes only as it should be; answers pass. */
const OTHERS = `
table inet others {
  chain forward {
    type filter hook forward priority filter; policy drop;
    oifname "trnvx" accept
    meta mark and 0x1000 != 0x1000 drop
    iifname "trnvx" oifname "eth0" ct state untracked accept
    iifname "trnvx" oifname "tp0" ct state new accept
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
  await protect(gateway, { ...CROSSING, clusterDevices: ["eth0", "trnvx"] });
  await gateway.run("nft", ["-f", "-"], { stdin: OTHERS });
}, 120_000);
afterAll(async () => {
  await Promise.all([crossing, far].map((each) => each?.remove()));
}, 60_000);

test.each(AT.lan)(
  "relayed to the LAN, what comes by VXLAN is not tracked, for answers go another way: %s",
  async (to) => {
    expect(await ping(far, to)).toBe(true);
  },
);

test.each(AT.pod)("bound for a pod of this node it is: %s", async (to) => {
  expect(await ping(far, to)).toBe(true);
});
