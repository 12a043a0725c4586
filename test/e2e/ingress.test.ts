import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import path from "node:path";
import type { Attachment } from "../../lab/addressing.ts";
import type { Place } from "../../lab/place.ts";
import { familyOf, formatAddress, nthAddress, parseCidr } from "../../mesh/cidr.ts";
import { gatewayMac } from "../../mesh/mac-address.ts";
import type { Family, TunnelKind } from "../../mesh/resources.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { MESH_VXLAN } from "../../tunnel/marks.ts";
import { announce } from "./support/announce.ts";
import { aim, aimAt, forgeVxlan, turnHostile } from "./support/hostile.ts";
import { awaitAnswer } from "./support/ping.ts";
import { dropAddress, expectDrops, hit, shoot, SHOTS, takeAddress, watchPackets } from "./support/shots.ts";
import type { Drops } from "./support/shots.ts";
import { meshAddress, sourceSeen } from "./support/talk.ts";
import { LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";
import { packetsBetween, packetsIn, ranksOf, tunnelBetween, TUNNELS } from "./support/tunnels.ts";

/** What a cluster lets in from others, and what it drops and counts, whatever the other side does. */

const lab = newTestLab();
const FILE = path.join(import.meta.dirname, "ingress.yaml");
const OPEN_PORT = 9100;
const EAST = ["east/a", "east/b", "east/c"];
const FAMILIES = [4, 6] as const;
/** Of either family, see pcap-filter(7); IPv6 packets of ours have no header between. */
const ECHO_REQUESTS = "icmp[icmptype] = icmp-echo or (icmp6 and ip6[40] = 128)";
const STRANGER = { 4: "192.0.2.77", 6: "2001:db8:77::77" } as const;

beforeAll(async () => {
  await lab.up(FILE);
}, 2 * LAB_LIMIT_MS);

afterAll(() => lab.down(), LAB_LIMIT_MS);

const east = (): Place[] => EAST.map((node) => lab.place(node));

/** Where a node is attached to its LAN. */
function attachment(cluster: string, node: string, family: Family): Attachment {
  const { attachments = [] } = lab.site(cluster).nodes.find(({ name }) => name === node) ?? {};
  const found = attachments.find((each) => each.family === family);
  if (found === undefined) throw new Error(`${cluster}/${node} has no LAN of IPv${family}`);
  return found;
}

function lanAddress(cluster: string, node: string, family: Family): string {
  return attachment(cluster, node, family).address;
}

async function clusterNamed(name: string) {
  const found = (await lab.status()).clusters.find((each) => each.name === name);
  if (found === undefined) throw new Error(`the hub knows no cluster ${name}`);
  return found;
}

/** By which VXLAN knows a gateway. */
async function macOf(gateway: string, ranks: ReadonlyMap<string, number>): Promise<string> {
  const { number } = await clusterNamed(gateway.split("/")[0] ?? "");
  const rank = ranks.get(gateway);
  if (number === undefined || rank === undefined) throw new Error(`${gateway} is no gateway`);
  return gatewayMac(number, rank);
}

/** An address of a cluster's pods that no pod has. */
async function strayAddress(cluster: string, family: Family): Promise<string> {
  const { podCIDRs } = await clusterNamed(cluster);
  const range = podCIDRs.map(parseCidr).find((each) => each.family === family);
  if (range === undefined) throw new Error(`${cluster} has no pods of IPv${family}`);
  return formatAddress(nthAddress(range, 60_000n));
}

/** As many packets as {@link hit} and {@link shoot} send, each with that text. */
const shotsWith = (text: string): unknown[] => Array.from({ length: SHOTS }, () => expect.stringContaining(text));

/** Sends to a pod of east with a source that is forged, then with one that is not: the pod sees nothing but that. */
async function sendForged(from: Place, source: string, own: string, drops: Partial<Drops>): Promise<void> {
  const target = lab.pod("east/api", familyOf(source));
  await takeAddress(from, source, "lo");
  const arrivals = await watchPackets(lab.place("east/api"), "in", ECHO_REQUESTS);
  await expectDrops(east(), drops, async () => {
    expect(await shoot(from, target, source)).toBe(0);
    expect(await hit(from, target, own)).toBe(SHOTS);
  });
  expect(await arrivals.stop(SHOTS)).toEqual(shotsWith(` ${own} > `));
  await dropAddress(from, source, "lo");
}

describe("what has to pass does, and no rule drops any of it:", () => {
  test.each(FAMILIES)(
    "IPv%i: ICMP from a remote pod to mesh addresses of a gateway and of a plain node",
    async (family) => {
      await expectDrops(east(), {}, async () => {
        for (const node of ["a", "b", "c"]) {
          expect(await hit(lab.place("west/db"), await meshAddress(lab, "east", node, family))).toBe(SHOTS);
        }
      });
    },
    LAB_LIMIT_MS,
  );

  test.each(["a", "c"])(
    "TCP from a remote pod to a port that is open on node %s, from its own address",
    async (node) => {
      await expectDrops(east(), {}, async () => {
        for (const family of FAMILIES) {
          for (const pod of ["west/db", "south/mail"]) {
            const address = await meshAddress(lab, "east", node, family);
            const seen = await sourceSeen(lab.place(pod), lab.place(`east/${node}`), address, { port: OPEN_PORT });
            expect(seen).toBe(lab.pod(pod, family));
          }
        }
      });
    },
    LAB_LIMIT_MS,
  );

  test(
    "a range of its own LAN that the cluster announces, by the tunnel",
    async () => {
      const host = "192.168.1.66";
      await takeAddress(lab.place("east/c"), host, "lo");
      await announce(lab, "east", ["192.168.1.64/28"]);
      await eventually(async () => {
        const route = await lab.place("west/c").run("ip", ["route", "show", "192.168.1.64/28", "proto", "174"]);
        return route.includes("nexthop") || route;
      });
      await awaitAnswer(lab.place("west/db"), host);
      await expectDrops(east(), {}, async () => {
        const before = await packetsIn(lab, EAST, TUNNELS.WireGuard);
        expect(await hit(lab.place("west/db"), host)).toBe(SHOTS);
        const came = packetsBetween(before, await packetsIn(lab, EAST, TUNNELS.WireGuard));
        expect(Object.values(came).reduce((sum, count) => sum + count, 0)).toBe(SHOTS);
        expect(await sourceSeen(lab.place("west/db"), lab.place("east/c"), host)).toBe(lab.pod("west/db"));
      });
    },
    LAB_LIMIT_MS,
  );
});

test(
  "a pod that sends with an address that is not its own is dropped by its node, and counted",
  async () => {
    const [api, db] = [lab.place("east/api"), lab.place("west/db")];
    for (const family of FAMILIES) {
      const sources = [lab.pod("east/web", family), lab.pod("south/mail", family), STRANGER[family]];
      const arrivals = await watchPackets(db, "in", sources.map((source) => `src host ${source}`).join(" or "));
      for (const source of sources) {
        // Its node's hardware address has to be known: a question for it would have the forged source, and get no answer.
        expect(await hit(api, lab.pod("west/db", family))).toBe(SHOTS);
        await takeAddress(api, source, "eth0");
        await expectDrops([lab.place("east/c")], { spoof: SHOTS }, async () => {
          expect(await shoot(api, lab.pod("west/db", family), source)).toBe(0);
        });
        await dropAddress(api, source, "eth0");
      }
      // That the watch sees what comes from where it should: the pod whose address was borrowed.
      expect(await hit(lab.place("east/web"), lab.pod("west/db", family))).toBe(SHOTS);
      expect(await arrivals.stop(SHOTS)).toEqual(shotsWith(` ${lab.pod("east/web", family)} > `));
    }
  },
  LAB_LIMIT_MS,
);

/** Somebody who has a gateway, and of a cluster that this one is not linked with whom it would like to be, or to reach. */
interface Intruder {
  readonly by: TunnelKind;
  readonly at: string;
  readonly third: { readonly cluster: string; readonly pod: string };
  /** Where a forged source is counted: WireGuard itself drops it, and counts nothing. */
  readonly forgedDrops: Partial<Drops>;
}

/** What an intruder tries by the tunnel to east/a, and what comes of it. */
function isHeldBack({ by, at, third, forgedDrops }: Intruder): void {
  const hostile = (): Place => lab.place(at);
  let device = "";
  /** Sends what is for a target, and nothing else, straight to east/a. */
  let ahead: (target: string) => Promise<void>;
  const own: Record<Family, string> = { 4: "", 6: "" };

  beforeAll(async () => {
    const [cluster = "", node = ""] = at.split("/");
    const ranks = await ranksOf(lab, ["east", cluster]);
    const mac = await macOf("east/a", ranks);
    for (const family of FAMILIES) own[family] = await meshAddress(lab, cluster, node, family);
    device = by === "VXLAN" ? MESH_VXLAN[4] : tunnelBetween(ranks, at, "east/a");
    ahead = (target) => (by === "VXLAN" ? aimAt(hostile(), target, device, mac) : aim(hostile(), target, device));
    await lab.break(`agent:${at}`);
    await turnHostile(hostile());
  }, LAB_LIMIT_MS);

  test.each<[string, (family: Family) => string | Promise<string>, Partial<Drops>]>([
    ["the gateway's own LAN address", (family) => lanAddress("east", "a", family), { input: SHOTS }],
    ["another gateway's LAN address", (family) => lanAddress("east", "b", family), { forward: SHOTS }],
    ["a plain node's LAN address", (family) => lanAddress("east", "c", family), { forward: SHOTS }],
    ["the router of the LAN", (family) => attachment("east", "a", family).router, { forward: SHOTS }],
    [
      "a machine out on the internet",
      (family) => ({ 4: "198.51.100.10", 6: "2001:db8:51:100::10" })[family],
      { forward: SHOTS },
    ],
    ["a pod of a third cluster", (family) => lab.pod(third.pod, family), { forward: SHOTS }],
    ["a mesh address of a third cluster", (family) => meshAddress(lab, third.cluster, "a", family), { forward: SHOTS }],
  ])(
    "sends to %s through the tunnel: all dropped and counted, and nothing leaves the gateway",
    async (_, targetOf, drops) => {
      for (const family of FAMILIES) {
        const target = await targetOf(family);
        const passing = await watchPackets(lab.place("east/a"), "out", `src host ${own[family]}`);
        await ahead(target);
        await expectDrops(east(), drops, async () => {
          expect(await shoot(hostile(), target, own[family])).toBe(0);
        });
        // That the watch sees what passes: to a pod.
        const pod = lab.pod("east/api", family);
        await ahead(pod);
        expect(await hit(hostile(), pod, own[family])).toBe(SHOTS);
        expect(await passing.stop(SHOTS)).toEqual(shotsWith(` > ${pod}: `));
      }
    },
    LAB_LIMIT_MS,
  );

  test.each(["a", "c"])(
    "knocks at a port of node %s that nobody opened: nothing answers, and it is counted there",
    async (node) => {
      for (const family of FAMILIES) {
        const address = await meshAddress(lab, "east", node, family);
        const far = lab.place(`east/${node}`);
        expect(await sourceSeen(lab.place("east/b"), far, address)).toBe(lanAddress("east", "b", family));
        await expectDrops([far], { input: 1 }, async () => {
          expect(await sourceSeen(hostile(), far, address, { waitMs: 3_000 })).toBe("nothing came back");
        });
      }
    },
    LAB_LIMIT_MS,
  );

  test.each<[string, (family: Family) => string | Promise<string>]>([
    ["east's own", (family) => strayAddress("east", family)],
    ["a third cluster's", (family) => lab.pod(third.pod, family)],
    ["a stranger's", (family) => STRANGER[family]],
  ])(
    "forges a source of %s range: dropped, and no pod ever sees it",
    async (_, forged) => {
      for (const family of FAMILIES) {
        const source = await forged(family);
        await ahead(lab.pod("east/api", family));
        const sent = await watchPackets(hostile(), "out", `src host ${source}`);
        await sendForged(hostile(), source, own[family], forgedDrops);
        expect(await sent.stop(SHOTS)).toEqual(shotsWith(` ${device} `));
      }
    },
    LAB_LIMIT_MS,
  );
}

describe("somebody has root on a gateway that is linked by WireGuard,", () => {
  const third = { cluster: "south", pod: "south/mail" };
  isHeldBack({ by: "WireGuard", at: "west/a", third, forgedDrops: {} });

  test(
    "speaks VXLAN as if it were a cluster that does: an endpoint that nobody knows is dropped and counted",
    async () => {
      const hostile = lab.place("west/a");
      const ranks = await ranksOf(lab, ["east", "south"]);
      const send = await forgeVxlan(hostile, {
        device: "forged",
        from: lanAddress("west", "a", 4),
        to: lanAddress("east", "a", 4),
        ownMac: await macOf("south/a", ranks),
        farMac: await macOf("east/a", ranks),
      });
      for (const family of FAMILIES) {
        const source = lab.pod("south/mail", family);
        await takeAddress(hostile, source, "lo");
        const arrivals = await watchPackets(lab.place("east/api"), "in", `src host ${source}`);
        await send(lab.pod("east/api", family));
        await expectDrops(east(), { vxlanOuter: SHOTS }, async () => {
          expect(await shoot(hostile, lab.pod("east/api", family), source)).toBe(0);
        });
        // That the watch sees the one who is what he says.
        expect(await hit(lab.place("south/mail"), lab.pod("east/api", family))).toBe(SHOTS);
        expect(await arrivals.stop(SHOTS)).toHaveLength(SHOTS);
        await dropAddress(hostile, source, "lo");
      }
    },
    LAB_LIMIT_MS,
  );
});

describe("somebody has root on a gateway that is linked by VXLAN,", () => {
  const third = { cluster: "west", pod: "west/db" };
  isHeldBack({ by: "VXLAN", at: "south/a", third, forgedDrops: { vxlanInner: SHOTS } });
});
