import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { gatewayMac, linkLocalAddress } from "../mesh/mac-address.ts";
import type { TunnelKind } from "../mesh/resources.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { syncDataPath } from "./data-path.ts";
import { MESH_VXLAN, MESH_VXLAN_PORT, VXLAN_VNI } from "./marks.ts";
import type { DataPath } from "./state.ts";
import type { Side } from "./testing/two-gateways.ts";
import { dataPath, makeSides, ping } from "./testing/two-gateways.ts";

let east: Side;
let west: Side;

beforeAll(async () => {
  [east, west] = await makeSides();
});

afterAll(() => Promise.all([east, west].map((side) => side?.node.remove())));

/** The same link by VXLAN as well, and `sends` says by which its packets leave; without WireGuard once that is over. */
function withVxlan(path: DataPath, own: number, remote: number, sends: TunnelKind): DataPath {
  const mac = gatewayMac(remote, 0);
  const prefixes = [`10.10${remote}.0.0/16`, `fd65:${remote}::/48`];
  const via = { 4: `10.10${remote}.255.3`, 6: linkLocalAddress(mac) };
  const hop = (family: 4 | 6) => ({ family, device: MESH_VXLAN[4], via: via[family], onlink: true });
  const members = sends === "VXLAN" ? [4020, 4120] : [4010, 4110];
  return {
    ...path,
    vxlan: [
      {
        name: MESH_VXLAN[4],
        vni: VXLAN_VNI,
        port: MESH_VXLAN_PORT,
        local: `192.0.2.${own}`,
        mac: gatewayMac(own, 0),
        mtu: 1450,
        peers: [{ mac, endpoint: `192.0.2.${remote}`, addresses: [via[4], via[6]] }],
      },
    ],
    nexthops: [
      ...path.nexthops.filter((nexthop) => !("group" in nexthop)),
      { id: 4020, ...hop(4) },
      { id: 4120, ...hop(6) },
      ...members.map((member, index) => ({ id: 5000 + index, group: [member] })),
    ],
    firewall: path.firewall && {
      ...path.firewall,
      vxlanEndpoints: [{ port: MESH_VXLAN_PORT, addresses: [`192.0.2.${remote}`] }],
      vxlanSources: [{ mac, prefixes }],
    },
    // While the ends change over one after the other, packets come by one kind and answers go by the other.
    sysctls: [...path.sysctls, { key: `net.ipv4.conf.${MESH_VXLAN[4]}.rp_filter`, value: "2" }],
  };
}

/** Without WireGuard, and what leads out of it. */
function vxlanOnly(path: DataPath): DataPath {
  return {
    ...path,
    wireGuard: [],
    nexthops: path.nexthops.filter((nexthop) => "group" in nexthop || nexthop.device === MESH_VXLAN[4]),
    routes: path.routes.filter(({ target }) => target.kind !== "device"),
    sysctls: path.sysctls.filter(({ key }) => !key.includes("trs0-0")),
  };
}

/** Starts to ping, many times a second; what is returned stops that once it is answered still, and tells numbers, from 1, of what was answered. */
async function pingOn({ node: { run } }: Side, from: string, address: string): Promise<() => Promise<Set<number>>> {
  const log = `/run/ping-${address}`;
  const pid = (await run("sh", ["-c", `ping -n -i 0.02 -I ${from} ${address} > ${log} 2>&1 & echo $!`])).trim();
  const answered = async (): Promise<Set<number>> => {
    const answers = (await run("cat", [log])).matchAll(/bytes from .* icmp_seq=(\d+)/g);
    return new Set([...answers].map(([, sequence]) => Number(sequence)));
  };
  return async () => {
    const before = (await answered()).size;
    await eventually(async () => (await answered()).size > before + 20 || before);
    await run("kill", ["-INT", pid]);
    await eventually(async () => {
      const said = await run("cat", [log]);
      return said.includes("packet loss") || said.slice(-500);
    });
    return answered();
  };
}

test("a link goes from WireGuard to VXLAN and back while packets of both families cross it, and loses none", async () => {
  const paths = [
    [east, dataPath(east, west, 1, 2), 1, 2],
    [west, dataPath(west, east, 2, 1), 2, 1],
  ] as const;
  const syncBoth = async (change: (path: DataPath, own: number, remote: number) => DataPath) => {
    for (const [side, want, own, remote] of paths) {
      const path = change(want, own, remote);
      expect((await syncDataPath(side.deps, path)).failed).toEqual([]);
      expect(await syncDataPath(side.deps, path)).toEqual({ done: [], failed: [], obstacles: [] });
    }
  };
  await syncBoth((path) => path);
  await eventually(() => ping(east, "10.102.255.1"));
  // Not the health addresses: those have routes of their own, out of WireGuard.
  const stops = [
    await pingOn(east, "10.101.255.3", "10.102.255.3"),
    await pingOn(east, "fd65:1:0:ffff::1", "fd65:2:0:ffff::1"),
  ];
  const crossed = async () => Number(await east.node.run("cat", ["/sys/class/net/trsvx/statistics/rx_packets"]));
  await syncBoth((path, own, remote) => withVxlan(path, own, remote, "WireGuard"));
  expect(await crossed()).toBe(0);
  await syncBoth((path, own, remote) => withVxlan(path, own, remote, "VXLAN"));
  await syncBoth((path, own, remote) => vxlanOnly(withVxlan(path, own, remote, "VXLAN")));
  await eventually(async () => (await crossed()) > 10 || crossed());
  await syncBoth((path, own, remote) => withVxlan(path, own, remote, "VXLAN"));
  // WireGuard shakes hands anew: packets wait for it, so it is proven before anything is sent by it.
  await eventually(() => ping(east, "10.102.255.1"));
  await syncBoth((path, own, remote) => withVxlan(path, own, remote, "WireGuard"));
  await syncBoth((path) => path);
  for (const stop of stops) {
    const answered = await stop();
    const last = Math.max(...answered);
    const lost = Array.from({ length: last }, (_, index) => index + 1).filter((sequence) => !answered.has(sequence));
    // The last few may have been on their way when ping was told to stop.
    expect(lost).toEqual([]);
  }
});
