import { afterAll, beforeAll, expect, test } from "@jest/globals";
import type { Crossing } from "../testing/crossing.ts";
import { AT, CROSSING, defaultRoutes, makeCrossing, protect } from "../testing/crossing.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { cable, connectTo, serve } from "../testing/traffic.ts";
import { writeSysctl } from "../sysctls/kernel.ts";
import { underlaySysctls } from "../underlay/sysctls.ts";

/**
 * Pods of a node that go out to a stranger, one of an overlay and one of an underlay, beside others who masquerade all
 * that leaves and forward nothing by default. The stranger knows the way back to everybody, so what it sees is what left.
 */
let crossing: Crossing;
let stranger: TestNode;
let underlay: TestNode;
let calico: TestNode;

const STRANGER = ["203.0.113.2", "2001:db8:9::2"] as const;
const GATEWAY = ["203.0.113.1", "2001:db8:9::1"] as const;
/** Addresses of the LAN, with no block around them. */
const UNDERLAY = ["10.1.0.66", "fd65:1:0:1::66"] as const;
/** A pod of another node, and one of another CNI. */
const ELSEWHERE = ["10.1.8.2", "fd65:1:0:8::2"] as const;
const CALICO = ["10.1.7.2", "fd65:1:0:7::2"] as const;
/** What others make of every pod. */
const OTHERS_SOURCE = ["198.51.100.9", "2001:db8:8::9"] as const;
const FAMILIES = [0, 1] as const;

const OTHERS = `
table inet others {
  chain forward {
    type filter hook forward priority filter; policy drop;
    ct state invalid drop
    meta mark and 0x1000 == 0x1000 accept
    iifname { "eth0", "cali0" } accept
    oifname { "eth0", "cali0" } accept
  }
  chain leaving {
    type nat hook postrouting priority srcnat;
    iifname "tp*" oifname != "tp*" snat ip to ${OTHERS_SOURCE[0]}
    iifname "tp*" oifname != "tp*" snat ip6 to ${OTHERS_SOURCE[1]}
  }
}
`;

beforeAll(async () => {
  [crossing, stranger, underlay, calico] = await Promise.all([
    makeCrossing(),
    makeTestNode("stranger"),
    makeTestNode("underlay"),
    makeTestNode("calico"),
  ]);
  const { gateway, lan, pod, remote } = crossing;
  const own = (device: string, ...addresses: string[]) => ({ node: gateway, device, addresses });
  await cable(own("eth1", `${GATEWAY[0]}/24`, `${GATEWAY[1]}/64`), {
    node: stranger,
    device: "eth0",
    addresses: [`${STRANGER[0]}/24`, `${STRANGER[1]}/64`],
  });
  await defaultRoutes(stranger, ...GATEWAY);
  for (const [node, device, addresses] of [
    [underlay, "tp1", UNDERLAY],
    [calico, "cali0", CALICO],
  ] as const) {
    const [ipv4, ipv6] = addresses;
    await cable(own(device, "169.254.1.1/32", "fe80::1/64"), {
      node,
      device: "eth0",
      addresses: [`${ipv4}/32`, `${ipv6}/128`],
    });
    await defaultRoutes(node, "169.254.1.1", "fe80::1");
    for (const address of addresses) await gateway.run("ip", ["route", "add", address, "dev", device]);
  }
  for (const family of FAMILIES) {
    const [address, via] = [ELSEWHERE[family], AT.lan[family]];
    await lan.run("ip", ["address", "add", address, "dev", "lo"]);
    await gateway.run("ip", ["route", "add", address, "via", via]);
  }
  for (const sysctl of underlaySysctls("eth0")) await writeSysctl(gateway.run, sysctl);
  for (const address of UNDERLAY) await gateway.run("ip", ["neigh", "add", "proxy", address, "dev", "eth0"]);
  await protect(gateway, {
    ...CROSSING,
    insidePrefixes: ["203.0.113.99/32", "2001:db8:9::99/128"],
    masqueradedSources: ["10.1.7.0/24", "10.1.8.0/23", "fd65:1:0:7::/64", "fd65:1:0:8::/63"],
    keptSources: ["10.1.0.64/28", "fd65:1:0:1::60/124"],
  });
  await gateway.run("nft", ["-f", "-"], { stdin: OTHERS });
  for (const address of OTHERS_SOURCE) await gateway.run("ip", ["address", "add", address, "dev", "lo"]);
  for (const address of ["203.0.113.99/32", "2001:db8:9::99/128"])
    await stranger.run("ip", ["address", "add", address, "dev", "lo"]);
  await gateway.run("ip", ["route", "add", "203.0.113.99/32", "via", STRANGER[0]]);
  await gateway.run("ip", ["route", "add", "2001:db8:9::99/128", "via", STRANGER[1]]);
  await Promise.all([stranger, lan, pod, remote, underlay].map((node) => serve(node, 8080)));
}, 120_000);
afterAll(async () => {
  await Promise.all([crossing, stranger, underlay, calico].map((each) => each?.remove()));
}, 60_000);

/** What a server there saw, of each family. */
async function seen(from: TestNode, to: readonly [string, string], sources?: readonly [string, string]) {
  const asked = FAMILIES.map((family) => connectTo(from, to[family], 8080, sources?.[family]));
  return Promise.all(asked);
}

test("a pod of a masqueraded Subnet goes out with its node's address, and is answered", async () => {
  expect(await seen(crossing.pod, STRANGER)).toEqual(GATEWAY);
}, 60_000);

test("a pod of a Subnet that is not masqueraded goes out as it is, whoever masquerades", async () => {
  expect(await seen(underlay, STRANGER)).toEqual(UNDERLAY);
}, 60_000);

test("pods keep their source inside their cluster, whoever masquerades", async () => {
  expect(await seen(crossing.pod, AT.lan)).toEqual(AT.pod);
  expect(await seen(underlay, AT.lan)).toEqual(UNDERLAY);
  expect(await seen(crossing.pod, ["203.0.113.99", "2001:db8:9::99"])).toEqual(AT.pod);
  expect(await seen(crossing.pod, UNDERLAY)).toEqual(AT.pod);
  expect(await seen(underlay, AT.pod)).toEqual(UNDERLAY);
}, 60_000);

test("pods of both kinds keep their source to a remote cluster", async () => {
  expect(await seen(crossing.pod, AT.remote)).toEqual(AT.pod);
  expect(await seen(underlay, AT.remote)).toEqual(UNDERLAY);
}, 60_000);

test("a pod of another node, and one of another CNI, are not masqueraded here", async () => {
  expect(await seen(crossing.lan, STRANGER, ELSEWHERE)).toEqual(ELSEWHERE);
  expect(await seen(calico, STRANGER)).toEqual(CALICO);
}, 60_000);

test("pods are reached from the LAN and from a remote cluster where others forward nothing by default", async () => {
  expect(await seen(crossing.lan, AT.pod, AT.lan)).toEqual(AT.lan);
  expect(await seen(crossing.lan, UNDERLAY, AT.lan)).toEqual(AT.lan);
  expect(await seen(crossing.remote, AT.pod)).toEqual(AT.remote);
  expect(await seen(crossing.remote, UNDERLAY)).toEqual(AT.remote);
  expect(await seen(stranger, AT.pod)).toEqual(STRANGER);
}, 60_000);
