import { afterAll, beforeAll, expect, test } from "@jest/globals";
import fc from "fast-check";
import { systemClock } from "../platform/clock.ts";
import { findTool } from "../platform/tools.ts";
import { amendDataPath } from "./amend.ts";
import { syncDataPath } from "./data-path.ts";
import type { DataPathDeps } from "./parts.ts";
import type { DataPath, WireGuardPeer } from "./state.ts";
import { makeLoneNode } from "./testing/lone-node.ts";
import type { TestNode } from "./testing/namespace.ts";
import { RICH, pathOf, testKeys } from "./testing/paths.ts";
import { keptSysctls } from "./testing/sysctl-memory.ts";

const LIMIT_MS = 300_000;

let node: TestNode;
let deps: DataPathDeps;
let rich: DataPath;

beforeAll(async () => {
  node = await makeLoneNode("amended");
  const wireGuardGo = findTool("wireguard-go", process.env["PATH"] ?? "");
  deps = { run: node.run, wireGuardGo, clock: systemClock, sysctlMemory: keptSysctls(), endpointMemory: new Map() };
  rich = pathOf(RICH, await testKeys(node.run));
}, LIMIT_MS);

afterAll(() => node?.remove(), LIMIT_MS);

/** What a change of linked clusters leaves of the rich path: each list without some, peers dialled elsewhere. */
const cuts = fc.record({
  routes: fc.array(fc.nat(11), { maxLength: 4 }),
  groups: fc.subarray([4000, 4001, 4300, 4301]),
  wireGuard: fc.boolean(),
  vxlan: fc.nat(2),
  endpoint: fc.constantFrom("192.0.2.99:1", "none", "as is"),
  prefixes: fc.nat(5),
});
type Cut = typeof cuts extends fc.Arbitrary<infer T> ? T : never;

function cutOf(path: DataPath, cut: Cut): DataPath {
  const dialled = (peer: WireGuardPeer): WireGuardPeer => {
    if (cut.endpoint === "as is") return peer;
    return { ...peer, endpoint: cut.endpoint === "none" ? undefined : cut.endpoint };
  };
  const { firewall } = path;
  return {
    ...path,
    wireGuard: path.wireGuard.map((device) => ({ ...device, peers: cut.wireGuard ? [] : device.peers.map(dialled) })),
    vxlan: path.vxlan.map((device) => ({ ...device, peers: device.peers.slice(0, cut.vxlan) })),
    nexthops: path.nexthops.map((nexthop) =>
      "group" in nexthop && nexthop.group.some((id) => !cut.groups.includes(id))
        ? { ...nexthop, group: nexthop.group.filter((id) => !cut.groups.includes(id)) }
        : nexthop,
    ),
    routes: path.routes.filter((_, at) => !cut.routes.includes(at)),
    firewall: firewall && { ...firewall, remotePrefixes: firewall.remotePrefixes.slice(0, cut.prefixes) },
  };
}

test(
  "what is amended is what a sync would have made",
  async () => {
    await fc.assert(
      fc.asyncProperty(cuts, cuts, async (before, after) => {
        const [held, want] = [cutOf(rich, before), cutOf(rich, after)];
        expect((await syncDataPath(deps, held)).failed).toEqual([]);
        expect((await amendDataPath(deps, want, held))?.failed).toEqual([]);
        expect(await syncDataPath(deps, want)).toMatchObject({ done: [], failed: [] });
      }),
      { numRuns: 15 },
    );
  },
  LIMIT_MS,
);

test("what did not change is no step", async () => {
  await syncDataPath(deps, rich);
  expect(await amendDataPath(deps, cutOf(rich, UNCUT), rich)).toMatchObject({ done: [], failed: [] });
});

test("an endpoint that was not known when its peer was made is told as soon as it is", async () => {
  await syncDataPath(deps, cutOf(rich, { ...UNCUT, wireGuard: true }));
  const nameless = cutOf(rich, { ...UNCUT, endpoint: "none" });
  await syncDataPath(deps, nameless);
  expect((await amendDataPath(deps, rich, nameless))?.done.map(({ part }) => part)).toContain("wireguard");
  expect(await syncDataPath(deps, rich)).toMatchObject({ done: [], failed: [] });
});

const UNCUT: Cut = { routes: [], groups: [], wireGuard: false, vxlan: 2, endpoint: "as is", prefixes: 9 };

test.each<[string, (deps: DataPathDeps, want: DataPath) => Promise<unknown>]>([
  ["a sync", syncDataPath],
  ["an amendment", (those, want) => amendDataPath(those, want, rich)],
])(
  "a far gateway that left is let go by %s after groups and routes that led to it",
  async (_, apply) => {
    await syncDataPath(deps, rich);
    const told: string[] = [];
    const run: DataPathDeps["run"] = (program, args, options) => {
      told.push([program, ...args, options?.stdin].join(" "));
      return node.run(program, args, options);
    };
    await apply({ ...deps, run }, cutOf(rich, { ...UNCUT, routes: [0, 1, 2], groups: [4001], wireGuard: true }));
    const moves = told.findLastIndex((each) => /nexthop replace id 500|route delete/.test(each));
    const goes = told.findIndex((each) => /^wg set \S+ peer \S+ remove/.test(each));
    expect({ told, inOrder: moves >= 0 && moves < goes }).toMatchObject({ inOrder: true });
  },
  LIMIT_MS,
);

test.each<[string, (path: DataPath) => DataPath]>([
  ["a device more", (path) => ({ ...path, wireGuard: path.wireGuard.slice(1) })],
  ["another MTU", (path) => ({ ...path, vxlan: path.vxlan.map((device) => ({ ...device, mtu: 1300 })) })],
  ["another mesh address", (path) => ({ ...path, meshAddresses: ["10.101.255.9/32"] })],
  ["another sysctl", (path) => ({ ...path, sysctls: [] })],
  ["no firewall", (path) => ({ ...path, firewall: undefined })],
  ["another rule", (path) => ({ ...path, firewall: path.firewall && { ...path.firewall, clusterDevices: ["eth0"] } })],
])("%s takes a look at the kernel", async (_, differ) => {
  expect(await amendDataPath(deps, differ(rich), rich)).toBeUndefined();
});
