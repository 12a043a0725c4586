import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../platform/testing/eventually.ts";
import type { Crossing } from "../testing/crossing.ts";
import { AT, CROSSING, defaultRoutes, makeCrossing, protect } from "../testing/crossing.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { cable, ping, pretend } from "../testing/traffic.ts";
import { observeFirewall } from "./observe.ts";

/** A host of no cluster, on a network of its own at this gateway, that sends as a remote cluster does. */
let crossing: Crossing;
let stranger: TestNode;

beforeAll(async () => {
  [crossing, stranger] = await Promise.all([makeCrossing(), makeTestNode("stranger")]);
  const { gateway } = crossing;
  await cable(
    { node: gateway, device: "eth1", addresses: ["203.0.113.1/24", "2001:db8:9::1/64"] },
    { node: stranger, device: "eth0", addresses: ["203.0.113.2/24", "2001:db8:9::2/64"] },
  );
  await defaultRoutes(stranger, "203.0.113.1", "2001:db8:9::1");
  await gateway.run("sh", ["-c", "echo 0 | tee /proc/sys/net/ipv4/conf/*/rp_filter"]);
  await protect(gateway, CROSSING);
  for (const address of ["203.0.113.1", "2001:db8:9::1"]) await eventually(() => ping(stranger, address));
});
afterAll(async () => {
  await crossing?.remove();
  await stranger?.remove();
});

const FORGED = ["10.2.0.66", "fd65:2::66"] as const;

async function strays(): Promise<number> {
  return (await observeFirewall(crossing.gateway.run))?.drops.stray ?? Number.NaN;
}

test.each<[string, string]>([
  [AT.pod[0], "a pod of this node"],
  [AT.mesh[0], "this machine"],
  [AT.pod[1], "a pod of this node"],
  [AT.mesh[1], "this machine"],
])("a remote cluster's source that comes by neither tunnel nor LAN does not reach %s, %s", async (target) => {
  const before = await strays();
  await pretend(stranger, FORGED[target.includes(":") ? 1 : 0], target);
  await eventually(async () => (await strays()) - before === 1 || { before, now: await strays() });
});

test("it gets no mark that leads past what an admin drops by default, and what comes by the tunnel does", async () => {
  const { gateway, remote } = crossing;
  await gateway.run("nft", ["-f", "-"], {
    stdin: `table inet admin { chain f { type filter hook forward priority 0; policy drop;
      meta mark & 0x1000 == 0x1000 counter accept
    }; }`,
  });
  const marked = async () => /counter packets (\d+)/.exec(await gateway.run("nft", ["list", "table", "inet", "admin"]));
  for (const family of [0, 1] as const) await pretend(stranger, FORGED[family], AT.lan[family]);
  expect((await marked())?.[1]).toBe("0");
  for (const address of AT.lan) expect(await ping(remote, address)).toBe(true);
  await eventually(async () => (await marked())?.[1] === "4" || marked());
});

test("an address of no cluster is none of our business", async () => {
  const before = await strays();
  expect(await ping(stranger, "203.0.113.1")).toBe(true);
  expect(await ping(stranger, "2001:db8:9::1")).toBe(true);
  expect(await strays()).toBe(before);
});
