import { expect, test } from "@jest/globals";
import { underlaySysctls } from "../tunnel/underlay/sysctls.ts";
import { planSysctls } from "./sysctl-plan.ts";

const LAN = { device: "eth0", addresses: ["10.0.0.1/24"], mtu: 1500, routerAdvertisements: false };
const texts = (routerAdvertisements: boolean, ...devices: string[]) =>
  planSysctls({ lan: { ...LAN, routerAdvertisements }, hasUnderlay: false }, devices).map(
    ({ key, value }) => `${key}=${value}`,
  );

test("a node forwards, hashes by ports, and is loose about return paths on the LAN and its own devices alone", () => {
  expect(texts(false, "trs0-0", "trsvx")).toEqual([
    "net.ipv4.ip_forward=1",
    "net.ipv6.conf.all.forwarding=1",
    "net.ipv4.fib_multipath_hash_policy=1",
    "net.ipv6.fib_multipath_hash_policy=1",
    "net.ipv4.conf.eth0.rp_filter=2",
    "net.ipv4.conf.trs0-0.rp_filter=2",
    "net.ipv4.conf.trsvx.rp_filter=2",
    "net.ipv4.conf.all.send_redirects=0",
    "net.ipv4.conf.eth0.send_redirects=0",
    "net.ipv4.conf.trs0-0.send_redirects=0",
    "net.ipv4.conf.trsvx.send_redirects=0",
  ]);
});

test("router advertisements are taken before forwarding would end that", () => {
  const keys = texts(true);
  expect(keys.indexOf("net.ipv6.conf.eth0.accept_ra=2")).toBe(0);
  expect(keys.indexOf("net.ipv6.conf.all.forwarding=1")).toBeGreaterThan(0);
});

test("where there is an underlay, a node answers for its pods' addresses on the LAN, too", () => {
  const planned = (hasUnderlay: boolean) => planSysctls({ lan: LAN, hasUnderlay }, ["trs0-0"]);
  expect(planned(true)).toEqual([...planned(false), ...underlaySysctls("eth0")]);
});
