import { expect, test } from "@jest/globals";
import { EMPTY_DATA_PATH } from "./state.ts";
import type { DataPath } from "./state.ts";
import { RICH, pathOf } from "./testing/paths.ts";
import { heldLines } from "./watch-held.ts";

const [MAC, OTHER] = ["02:00:00:00:03:00", "02:00:00:00:09:09"];
const rich = pathOf(RICH, { own: ["own", "own"], peers: ["p0", "p1", "p2", "p3"] });
const saysHeld = heldLines(rich);

/** As iproute2 6.1 and nftables 1.0.6 print them. */
test.each([
  "id 4000 dev trs0-0 scope host proto 174 ",
  "id 4300 via 10.103.255.1 dev trsvx scope link proto 174 onlink ",
  "id 5000 group 4001/4000 proto 174 ",
  "10.102.0.0/16 nhid 5000 proto 174 src 10.101.255.1 mtu 1380 \\\tnexthop dev trs0-0 weight 1 \\\tnexthop dev trs0-1 weight 1 ",
  "fd65:2::/48 nhid 5001 proto 174 src fd65:1:0:ffff::1 metric 1024 mtu 1380 pref medium\\\tnexthop dev trs0-0 weight 1 ",
  "10.102.255.1 dev trs0-0 proto 174 scope link src 10.101.255.1 ",
  "unreachable 10.102.0.0/16 proto 174 metric 9999 ",
  "unreachable fd65:2::/48 dev lo proto 174 metric 9999 pref medium",
  "10.101.7.0/24 proto 174 \\\tnexthop via 192.0.2.8 dev eth0 weight 1 \\\tnexthop via 192.0.2.7 dev eth0 weight 1 ",
  "10.101.9.0/24 via 10.103.255.1 dev trnvx6 proto 174 onlink ",
  "Deleted 10.99.0.0/16 nhid 5000 proto 174 src 10.101.255.1 mtu 1380 ",
  "Deleted fd99::/48 via 2001:db8::9 dev eth0 proto 174 metric 1024 pref medium",
  "Deleted unreachable 10.99.0.0/16 proto 174 metric 9999 ",
  "Deleted id 4999 dev trs0-0 scope host proto 174 ",
  `10.103.255.1 dev trsvx lladdr ${MAC} PERMANENT `,
  `192.0.2.30 dev trsvx lladdr ${MAC} NOARP PERMANENT `,
  "10.103.255.99 dev trsvx FAILED ",
  "Deleted 10.103.255.99 dev trsvx FAILED ",
  `Deleted 192.0.2.99 dev trsvx lladdr ${OTHER} NOARP PERMANENT `,
  "delete element inet trestle remote4 { 10.99.0.0/16 }",
  "delete element inet trestle outer4 { 192.0.2.99 . 7076 }",
])("%j is no news", (line) => {
  expect(saysHeld(line)).toBe(true);
});

test.each([
  "Deleted 10.102.0.0/16 nhid 5000 proto 174 src 10.101.255.1 mtu 1380 ",
  "Deleted unreachable 10.102.0.0/16 proto 174 metric 9999 ",
  "Deleted fd65:2::/48 nhid 5001 proto 174 src fd65:1:0:ffff::1 metric 1024 pref medium",
  "10.102.0.0/16 nhid 5300 proto 174 src 10.101.255.1 mtu 1380 ",
  "10.102.0.0/16 nhid 5000 proto 174 src 10.101.255.1 mtu 1200 ",
  "10.102.0.0/16 nhid 5000 proto 174 src 10.101.255.1 mtu lock 1380 ",
  "10.102.0.0/16 nhid 5000 proto 174 src 10.101.255.9 mtu 1380 ",
  "10.102.0.0/16 tos 0x04 nhid 5000 proto 174 src 10.101.255.1 mtu 1380 ",
  "10.102.0.0/16 nhid 5000 dev trs0-0 proto 174 src 10.101.255.1 mtu 1380 dead linkdown ",
  "blackhole 10.102.0.0/16 proto 174 ",
  "10.98.0.0/16 nhid 5000 proto 174 src 10.101.255.1 mtu 1380 ",
  "10.102.0.0/16 dev ext0 table 55 proto 174 scope link ",
  "10.101.7.0/24 proto 174 \\\tnexthop via 192.0.2.7 dev eth0 weight 3 \\\tnexthop via 192.0.2.8 dev eth0 weight 1 ",
  "10.101.7.0/24 via 192.0.2.7 dev eth0 proto 174 ",
  "Deleted id 4000 dev trs0-0 scope host proto 174 ",
  "id 4000 via 192.0.2.9 dev eth0 scope link proto 174 ",
  "id 5000 group 4000 proto 174 ",
  "id 5000 group 4000,3/4001 proto 174 ",
  "id 4999 blackhole proto 174 ",
  "id 4999 dev trs0-0 scope host proto 174 ",
  `10.103.255.1 dev trsvx lladdr ${OTHER} PERMANENT `,
  `10.103.255.1 dev trsvx lladdr ${MAC} STALE `,
  "10.103.255.1 dev trsvx FAILED ",
  `Deleted 10.103.255.1 dev trsvx lladdr ${MAC} PERMANENT `,
  `10.103.255.99 dev trsvx lladdr ${MAC} PERMANENT `,
  `192.0.2.99 dev trsvx lladdr ${MAC} NOARP PERMANENT `,
  `Deleted 192.0.2.30 dev trsvx lladdr ${MAC} NOARP PERMANENT `,
  "Deleted 5: trs0-0: <POINTOPOINT> mtu 1420 qdisc noop state DOWN group default ",
  "3: trsmesh    inet 10.101.255.1/32 scope global trsmesh\\       valid_lft forever ",
  "2: eth0@if3: <BROADCAST,MULTICAST> mtu 1500 qdisc noqueue state DOWN group default ",
  "delete element inet trestle announced4 { 10.101.0.0/16 }",
  "delete element inet trestle remote4 { 10.98.0.0-10.98.3.7 }",
  "delete element inet trestle stray { 10.98.0.0/16 }",
  "delete set inet trestle remote4",
  "delete table inet trestle",
  "",
])("%j is news", (line) => {
  expect(saysHeld(line)).toBe(false);
});

test("what is held at one moment is news to another", () => {
  const line = "Deleted 10.102.0.0/16 nhid 5000 proto 174 src 10.101.255.1 mtu 1380 ";
  expect(heldLines(EMPTY_DATA_PATH)(line)).toBe(true);
  const without: DataPath = { ...rich, routes: rich.routes.filter(({ prefix }) => prefix !== "10.102.0.0/16") };
  expect(heldLines(without)(line)).toBe(true);
});
