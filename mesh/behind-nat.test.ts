import { expect, test } from "@jest/globals";
import { vxlanRefusal } from "./behind-nat.ts";
import type { GatewayRecord } from "./resources.ts";
import { cluster, link } from "./testing/objects.ts";

const gateway = (rank: number, behindNAT: boolean): GatewayRecord => ({
  name: `gw${rank}`,
  rank,
  endpoints: [],
  behindNAT,
  basePort: 51_820,
  publicKey: "key",
});
const clusters = [
  cluster("east", { status: { gateways: [gateway(0, false)] } }),
  cluster("west", { status: { gateways: [gateway(0, false), gateway(1, true)] }, labels: { tier: "edge" } }),
  cluster("edge", { status: { gateways: [gateway(0, true)] }, labels: { tier: "edge" } }),
  cluster("new"),
];
const overVXLAN = { tunnel: "VXLAN" } as const;

test("a link by VXLAN is refused when any gateway of a cluster in it is behind NAT, and names those clusters", () => {
  const members = { names: ["east", "west", "edge"] };
  expect(vxlanRefusal(link("all", { members, ...overVXLAN }), clusters)).toEqual({
    code: "vxlan-behind-nat",
    message: expect.stringMatching(/gateways of "edge", "west" are behind one; link them by WireGuard/),
  });
  const spokes = link("spokes", { from: { names: ["east"] }, to: { matchLabels: { tier: "edge" } }, ...overVXLAN });
  expect(vxlanRefusal(spokes, clusters)?.message).toContain('"edge", "west"');
});

test.each([
  ["a link by WireGuard", link("all", { members: { names: ["east", "edge"] } })],
  ["a link by VXLAN among others", link("some", { members: { names: ["east", "new"] }, ...overVXLAN })],
  ["one that names a cluster nobody is yet", link("some", { members: { names: ["east", "later"] }, ...overVXLAN })],
])("%s is not refused", (_, draft) => {
  expect(vxlanRefusal(draft, clusters)).toBeUndefined();
});
