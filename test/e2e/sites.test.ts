import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import path from "node:path";
import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { familyOf } from "../../mesh/cidr.ts";
import type { TunnelKind } from "../../mesh/resources.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { applyLinks } from "./support/apply-links.ts";
import { pairsCheck } from "./support/check.ts";
import { dialled, followed } from "./support/dialled.ts";
import { startPings } from "./support/ping.ts";
import { renumberUplink } from "./support/renumber.ts";
import { allUp, LAB_LIMIT_MS, newTestLab } from "./support/test-lab.ts";
import { packetsBetween, packetsIn } from "./support/tunnels.ts";

/** Sites as they are: behind NAT, of several LANs, of one family, at addresses that change. */

const LABS = path.join(import.meta.dirname, "..", "..", "lab");

describe("a site behind NAT", () => {
  const lab = newTestLab();

  beforeAll(async () => {
    await lab.up(path.join(LABS, "behind-nat.yaml"));
  }, 2 * LAB_LIMIT_MS);

  afterAll(() => lab.down(), LAB_LIMIT_MS);

  const linkBy = (tunnel: TunnelKind): Promise<void> =>
    applyLinks(lab, { both: { members: { names: ["cloud", "home"] }, tunnel } });

  const links = z.array(
    z.object({
      status: z.object({
        conditions: z.array(
          z.object({ type: z.string(), status: z.string(), reason: z.string(), message: z.string() }),
        ),
      }),
    }),
  );

  /** Waits until the link says that it is ready, or why not. @returns the sentence */
  async function awaitReady(status: string, reason: string): Promise<string> {
    let message = "";
    await eventually(async () => {
      const [link] = links.parse(JSON.parse(await lab.ask("get", "clusterlinks", "--output", "json")));
      const ready = link?.status.conditions.find(({ type }) => type === "Ready");
      message = ready?.message ?? "";
      return (ready?.status === status && ready.reason === reason) || ready;
    });
    return message;
  }

  test("its pods reach others and are reached, with their own addresses and whatever the size", async () => {
    const { passed, failed } = await pairsCheck(lab);
    expect({ passed, failed }).toEqual({ passed: 6, failed: 0 });
    const [publicAddress] = lab.site("home").uplink.filter(({ family }) => family === 4);
    expect((await dialled(lab, "cloud/a", "home/a")).split(":")[0]).toBe(publicAddress?.address);
  });

  test("no link by VXLAN is made to it, and the refusal names it", async () => {
    const words = ["link", "create", "open", "--members", "cloud,home", "--tunnel", "vxlan", "--output", "wide"];
    const { code, err } = await lab.tryAsk(...words);
    expect({ code, err }).toEqual({
      code: 1,
      err: expect.stringMatching(/^error \(vxlan-behind-nat\): VXLAN does not pass NAT, and gateways of "home" are/),
    });
  });

  test(
    "a link that becomes VXLAN all the same says why it can't be, and packets go on by WireGuard",
    async () => {
      const pings = await startPings(lab.place("cloud/web"), lab.pod("home/nas"));
      await linkBy("VXLAN");
      expect(await awaitReady("False", "VXLANBehindNAT")).toContain('gateways of "home" are behind one');
      await eventually(async () => {
        const { pairs } = await lab.status();
        return pairs.every(({ state, reason }) => state === "Up" && reason === "KindChanging") || pairs;
      });
      await linkBy("WireGuard");
      await awaitReady("True", "Resolved");
      await eventually(() => allUp(lab, 2));
      expect((await pings.stop()).lost).toEqual([]);
    },
    LAB_LIMIT_MS,
  );

  test("when its public address changes, who pings it from outside gets answers again after a keepalive or so", async () => {
    const pings = await startPings(lab.place("cloud/web"), lab.pod("home/nas"));
    const { to } = await renumberUplink(lab, "home");
    const ms = await followed(
      [pings],
      async () => to.includes((await dialled(lab, "cloud/a", "home/a")).split(":")[0] ?? ""),
      60_000,
    );
    const { lost } = await pings.stop();
    console.log(`home has another public address: answers again after ${ms} ms, ${lost.length} pings of 10 ms lost`);
    expect(lost.length).toBeGreaterThan(0);
    await eventually(() => allUp(lab, 2));
  });
});

describe("machines that share no wire, and a site of IPv6 alone", () => {
  const lab = newTestLab();
  const NODE_TUNNELS = /^trnvx6?$/;

  beforeAll(async () => {
    await lab.up(path.join(LABS, "sites.yaml"));
  }, 2 * LAB_LIMIT_MS);

  afterAll(() => lab.down(), LAB_LIMIT_MS);

  test("all pods reach each other", async () => {
    const { pairs, failed } = await pairsCheck(lab);
    expect({ ways: new Set(pairs.map(({ from, to }) => `${from}>${to}`)).size, failed }).toEqual({
      ways: 12,
      failed: 0,
    });
  });

  test.each([
    { what: "a pod on the other LAN", from: "campus/lab", to: "campus/web", nodes: ["campus/a", "campus/b"] },
    {
      what: "another site, by a gateway on the other LAN",
      from: "campus/lab",
      to: "harbour/crane",
      nodes: ["campus/a", "campus/b"],
    },
    {
      what: "a pod with IPv4 on a LAN that has none",
      from: "harbour/gate",
      to: "harbour/crane",
      nodes: ["harbour/a", "harbour/b"],
    },
  ])("packets to $what go from node to node in VXLAN", async ({ from, to, nodes }) => {
    const before = await packetsIn(lab, nodes, NODE_TUNNELS);
    const pings = await startPings(lab.place(from), lab.pod(to, 4));
    await eventually(() => pings.seen().answered >= 100 || pings.seen());
    const { answered, lost } = await pings.stop();
    const carried = packetsBetween(before, await packetsIn(lab, nodes, NODE_TUNNELS));
    expect({ lost, devices: Object.keys(carried).length }).toEqual({ lost: [], devices: nodes.length });
    for (const packets of Object.values(carried)) expect(packets).toBeGreaterThanOrEqual(answered);
  });

  const gateways = z.array(z.object({ status: z.object({ endpoints: z.array(z.string()) }) }));

  test("a gateway that is announced with addresses of both families is dialled at the one that the other has", async () => {
    const announced = gateways.parse(JSON.parse(await lab.at("campus", "get", "gateways", "--output", "json")));
    const endpoints = announced.flatMap(({ status }) => status.endpoints);
    expect(endpoints.map(familyOf).toSorted((a, b) => a - b)).toEqual([4, 6]);
    const six = endpoints.find((endpoint) => familyOf(endpoint) === 6);
    await eventually(async () => {
      const seen = [await dialled(lab, "harbour/a", "campus/a"), await dialled(lab, "campus/a", "harbour/a")];
      return isDeepStrictEqual(seen, [`[${six}]:51820`, "[fd00:3::10]:51820"]) || seen;
    });
  });
});
