import { isDeepStrictEqual } from "node:util";
import { afterAll, beforeAll, describe, expect, test } from "@jest/globals";
import { gatewayMac, linkLocalAddress } from "../../mesh/mac-address.ts";
import { systemClock } from "../../platform/clock.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { syncDataPath } from "../data-path.ts";
import { MESH_VXLAN, MESH_VXLAN_PORT, VXLAN_VNI } from "../marks.ts";
import { observeDataPath } from "../observe.ts";
import type { DataPath, VxlanDevice } from "../state.ts";
import { EMPTY_DATA_PATH } from "../state.ts";
import type { TestNode } from "../testing/namespace.ts";
import { connect, makeTestNode } from "../testing/namespace.ts";
import { syncPeers } from "./sync.ts";

/** Two gateways on one cable: east is cluster 1, west is cluster 2. */
const EAST = 1;
const WEST = 2;
let east: TestNode;
let west: TestNode;

beforeAll(async () => {
  [east, west] = (await Promise.all(["east", "west"].map(makeTestNode))) as [TestNode, TestNode];
  await connect([east, ["192.0.2.1/24", "2001:db8::1/64"]], [west, ["192.0.2.2/24", "2001:db8::2/64"]]);
});
afterAll(() => Promise.all([east, west].map((node) => node?.remove())));

const endpoint = (cluster: number, outer: 4 | 6) => (outer === 4 ? `192.0.2.${cluster}` : `2001:db8::${cluster}`);
const health = (cluster: number) => [`10.10${cluster}.255.1`, `fd65:${cluster}:0:ffff::1`] as const;
const pod = (cluster: number) => [`10.10${cluster}.1.1`, `fd65:${cluster}:0:1::1`] as const;

function device(own: number, remote: number, outer: 4 | 6): VxlanDevice {
  const mac = gatewayMac(remote, 0);
  return {
    name: MESH_VXLAN[outer],
    vni: VXLAN_VNI,
    port: MESH_VXLAN_PORT,
    local: endpoint(own, outer),
    mac: gatewayMac(own, 0),
    mtu: outer === 4 ? 1450 : 1430,
    peers: [{ mac, endpoint: endpoint(remote, outer), addresses: [health(remote)[0], linkLocalAddress(mac)] }],
  };
}

/** Pods are reached by groups of nexthops, health addresses by plain routes. */
function dataPath(own: number, remote: number, outer: 4 | 6): DataPath {
  const vxlan = device(own, remote, outer);
  const via = [health(remote)[0], linkLocalAddress(gatewayMac(remote, 0))] as const;
  const hop = (family: 0 | 1) => ({ via: via[family], device: vxlan.name, onlink: true });
  return {
    ...EMPTY_DATA_PATH,
    vxlan: [vxlan],
    meshAddresses: [...health(own), ...pod(own)].map((address) => `${address}/${address.includes(":") ? 128 : 32}`),
    nexthops: [
      { id: 10, family: 4, ...hop(0) },
      { id: 11, family: 6, ...hop(1) },
      { id: 20, group: [10] },
      { id: 21, group: [11] },
    ],
    routes: [
      { prefix: `10.10${remote}.0.0/16`, target: { kind: "nexthop", id: 20 }, src: pod(own)[0] },
      { prefix: `fd65:${remote}::/48`, target: { kind: "nexthop", id: 21 }, src: pod(own)[1] },
      { prefix: `${health(remote)[0]}/32`, target: { kind: "multipath", hops: [hop(0)] }, src: health(own)[0] },
      { prefix: `${health(remote)[1]}/128`, target: { kind: "multipath", hops: [hop(1)] }, src: health(own)[1] },
    ],
  };
}

function sync({ run }: TestNode, want: DataPath) {
  const sysctlMemory = { load: () => Promise.resolve({}), save: () => Promise.resolve() };
  return syncDataPath({ run, clock: systemClock, sysctlMemory, endpointMemory: new Map() }, want);
}

const NOTHING = { done: [], failed: [], obstacles: [] };
const REACHED = [...health(WEST), ...pod(WEST)];

/** Which of `addresses` answer east, each asked by a small packet and by one of 3,000 bytes. */
async function answering(addresses: readonly string[], limit = 5): Promise<string[]> {
  const answers = addresses.map(async (address) => {
    for (const size of ["56", "3000"]) await east.run("ping", ["-c", "1", "-W", String(limit), "-s", size, address]);
    return address;
  });
  return (await Promise.allSettled(answers)).flatMap((answer) => (answer.status === "fulfilled" ? [answer.value] : []));
}

function allAnswer(addresses: readonly string[]): Promise<void> {
  return eventually(async () => {
    const answers = await answering(addresses);
    return isDeepStrictEqual(answers, addresses) || { answers, addresses };
  });
}

describe.each([4, 6] as const)("over IPv%d", (outer) => {
  const want = () => dataPath(EAST, WEST, outer);
  const only = (change: Partial<VxlanDevice>): DataPath => ({
    ...want(),
    vxlan: [{ ...device(EAST, WEST, outer), ...change }],
  });
  const name = MESH_VXLAN[outer];
  const mac = gatewayMac(WEST, 0);
  const index = async () => (await east.run("cat", [`/sys/class/net/${name}/ifindex`])).trim();

  test("packets of both families and of any size arrive, and a second sync does nothing", async () => {
    expect((await sync(east, want())).failed).toEqual([]);
    expect((await sync(west, dataPath(WEST, EAST, outer))).failed).toEqual([]);
    await allAnswer(REACHED);
    expect(await sync(east, want())).toEqual(NOTHING);
  });

  test("what is observed tells who is behind the device", async () => {
    expect((await observeDataPath(east)).tunnels).toMatchObject([
      { kind: "VXLAN", link: { name, up: true }, vxlan: { peers: device(EAST, WEST, outer).peers } },
    ]);
  });

  test("a peer that is removed is not reached any more", async () => {
    const { done } = await sync(east, only({ peers: [] }));
    expect(done.map(({ step }) => step).toSorted()).toEqual([
      `fdb delete ${mac} dev ${name} self`,
      `neigh delete ${health(WEST)[0]} dev ${name}`,
      `neigh delete ${linkLocalAddress(mac)} dev ${name}`,
    ]);
    expect(await answering(REACHED, 1)).toEqual([]);
    expect((await sync(east, want())).done).toHaveLength(3);
    await allAnswer(REACHED);
  });

  const line = (text: string) => text.split(" ");
  const bridge = (text: string) => () => east.run("bridge", line(text));
  const ip = (text: string) => () => east.run("ip", line(text));
  test.each<[string, () => Promise<unknown>]>([
    ["the device deleted", ip(`link delete dev ${name}`)],
    ["the device set down", ip(`link set dev ${name} down`)],
    ["another MAC address", ip(`link set dev ${name} address 02:00:00:00:00:99`)],
    ["ARP", ip(`link set dev ${name} arp on`)],
    ["another source", ip(`link set dev ${name} type vxlan local ${outer === 4 ? "192.0.2.7" : "2001:db8::7"}`)],
    ["learning", ip(`link set dev ${name} type vxlan learning`)],
    ["a TTL of its own", ip(`link set dev ${name} type vxlan ttl 7`)],
    ["the peer's entry deleted", bridge(`fdb delete ${mac} dev ${name} self`)],
    ["the peer elsewhere", bridge(`fdb replace ${mac} dev ${name} dst ${endpoint(9, outer)} self permanent`)],
    [
      "the peer by another port",
      bridge(`fdb replace ${mac} dev ${name} dst ${endpoint(WEST, outer)} port 9 self permanent`),
    ],
    [
      "a default destination",
      async () => {
        for (const cluster of [8, 9]) {
          const destination = `dst ${endpoint(cluster, outer)} self permanent`;
          await east.run("bridge", line(`fdb append 00:00:00:00:00:00 dev ${name} ${destination}`));
        }
      },
    ],
    [
      "the peer behind a nexthop object",
      async () => {
        await east.run("ip", line(`nexthop add id 90${outer} via ${endpoint(9, outer)} fdb`));
        await east.run("ip", line(`nexthop add id 91${outer} group 90${outer} fdb`));
        await east.run("bridge", line(`fdb delete ${mac} dev ${name} self`));
        await east.run("bridge", line(`fdb add ${mac} dev ${name} nhid 91${outer} self permanent`));
      },
    ],
    ["a next hop forgotten", ip(`neigh delete ${health(WEST)[0]} dev ${name}`)],
    ["a next hop that is not permanent", ip(`neigh replace ${health(WEST)[0]} dev ${name} lladdr ${mac} nud stale`)],
    ["a next hop elsewhere", ip(`neigh replace fe80::9 dev ${name} lladdr ${mac} nud permanent`)],
  ])("%s: one sync puts it right", async (_damage, inflict) => {
    await inflict();
    const { done, failed } = await sync(east, want());
    expect(failed).toEqual([]);
    expect(done).not.toEqual([]);
    expect(await sync(east, want())).toEqual(NOTHING);
    await allAnswer(pod(WEST));
  });

  test("source, MAC address and MTU are changed on the device that is there", async () => {
    const before = await index();
    const address = outer === 4 ? "192.0.2.7/24" : "2001:db8::7/64";
    await east.run("ip", ["address", "add", address, "dev", "eth0", ...(outer === 6 ? ["nodad"] : [])]);
    const changed = only({ local: endpoint(7, outer), mac: gatewayMac(7, 0), mtu: 1400 });
    expect((await sync(east, changed)).failed).toEqual([]);
    expect(await sync(east, changed)).toEqual(NOTHING);
    expect(await index()).toBe(before);
    // West sends to the MAC address that east had: nothing of east's own comes back to it.
    expect(await answering(REACHED, 1)).toEqual([]);
    expect((await sync(east, want())).failed).toEqual([]);
    await allAnswer(REACHED);
    await east.run("ip", ["address", "delete", address, "dev", "eth0"]);
  });

  test.each<[string, Partial<VxlanDevice>]>([
    ["VNI", { vni: 7 }],
    ["port", { port: 7 }],
    ["outer family", { local: endpoint(EAST, outer === 4 ? 6 : 4), peers: [] }],
  ])("of another %s the device is made anew", async (_what, change) => {
    const before = await index();
    expect((await sync(east, only(change))).failed).toEqual([]);
    expect(await sync(east, only(change))).toEqual(NOTHING);
    expect(await index()).not.toBe(before);
    expect((await sync(east, want())).failed).toEqual([]);
    expect(await sync(east, want())).toEqual(NOTHING);
    await allAnswer(REACHED);
  });

  test("where the path between endpoints is smaller than the device, senders are told, and big packets arrive", async () => {
    const cable = (mtu: number) =>
      Promise.all([east, west].map(({ run }) => run("ip", ["link", "set", "dev", "eth0", "mtu", String(mtu)])));
    await cable(1400);
    for (const address of pod(WEST)) {
      await allAnswer([address]);
      // The outer packet is 50 bytes longer than the inner one over IPv4, and 70 over IPv6.
      expect(await east.run("ip", ["route", "get", address])).toContain(`mtu ${outer === 4 ? 1350 : 1330}`);
    }
    await cable(1500);
  });

  test("leaving takes all of it away", async () => {
    for (const node of [east, west]) {
      expect((await sync(node, EMPTY_DATA_PATH)).failed).toEqual([]);
      expect(await node.run("ip", ["-o", "link"])).not.toContain("trs");
      expect(await sync(node, EMPTY_DATA_PATH)).toEqual(NOTHING);
    }
  });
});

test("3,000 peers are written down by four processes, and found to be there by two", async () => {
  const peers = Array.from({ length: 3000 }, (_, n) => {
    const mac = gatewayMac(n, 0);
    return {
      mac,
      endpoint: `198.18.${n >> 8}.${n & 255}`,
      addresses: [`10.${n >> 8}.${n & 255}.1`, linkLocalAddress(mac)],
    };
  });
  const alone = { ...device(EAST, WEST, 4), peers: [] };
  const vxlan = [{ ...alone, peers }];
  expect((await sync(east, { ...EMPTY_DATA_PATH, vxlan: [alone] })).failed).toEqual([]);
  const programs: string[] = [];
  const run: typeof east.run = (program, args, options) => {
    programs.push(program);
    return east.run(program, args, options);
  };
  const { outcomes, remove } = await syncPeers(run, vxlan, true);
  expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(outcomes).toHaveLength(9000);
  expect(programs.splice(0)).toEqual(["bridge", "ip", "bridge", "ip"]);
  await remove();
  programs.splice(0);
  const second = await syncPeers(run, vxlan, true);
  expect([...second.outcomes, ...(await second.remove())]).toEqual([]);
  expect(programs).toEqual(["bridge", "ip"]);
  await syncPeers(run, [], true);
  expect(programs).toHaveLength(2);
  expect((await sync(east, EMPTY_DATA_PATH)).failed).toEqual([]);
});

test("nothing is put on a device that has the name and is another's, and it stays", async () => {
  await east.run("ip", ["link", "add", "dev", "trsvx", "type", "bridge"]);
  const { done, failed, obstacles } = await sync(east, { ...EMPTY_DATA_PATH, vxlan: [device(EAST, WEST, 4)] });
  expect(obstacles.map(({ message }) => message)).toEqual([expect.stringContaining("of kind bridge, and not ours")]);
  expect([...done, ...failed]).toEqual([]);
  await sync(east, EMPTY_DATA_PATH);
  expect(await east.run("ip", ["neigh", "show", "dev", "trsvx"])).toBe("");
  await east.run("ip", ["link", "delete", "dev", "trsvx"]);
});
