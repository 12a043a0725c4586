import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { systemClock } from "../platform/clock.ts";
import { findTool } from "../platform/tools.ts";
import { syncDataPath } from "./data-path.ts";
import type { DataPathDeps } from "./parts.ts";
import { isWhole } from "./report.ts";
import type { DataPath } from "./state.ts";
import { makeLoneNode } from "./testing/lone-node.ts";
import type { TestNode } from "./testing/namespace.ts";
import { pathOf, RICH, testKeys } from "./testing/paths.ts";
import { keptSysctls } from "./testing/sysctl-memory.ts";

/** A machine on which others were first: what is theirs stays theirs, and all of ours that can be is there. */

let node: TestNode;
let deps: DataPathDeps;
let want: DataPath;

beforeEach(async () => {
  node = await makeLoneNode("taken");
  const wireGuardGo = findTool("wireguard-go", process.env["PATH"] ?? "");
  deps = { run: node.run, wireGuardGo, clock: systemClock, sysctlMemory: keptSysctls(), endpointMemory: new Map() };
  want = pathOf(RICH, await testKeys(node.run));
});

afterEach(() => node?.remove());

/** A foreign wire of that name, with an address on it. */
async function takeName(name: string): Promise<void> {
  await node.run("ip", ["link", "add", "dev", name, "type", "veth", "peer", "name", "other0"]);
  for (const device of [name, "other0"]) {
    await node.run("ip", ["link", "set", "dev", device, "addrgenmode", "none"]);
    await node.run("ip", ["link", "set", "dev", device, "up"]);
  }
  await node.run("ip", ["address", "add", "10.9.9.9/32", "dev", name]);
}

/** All that the kernel has on a device. */
async function on(name: string): Promise<string> {
  const said = await Promise.all([
    node.run("ip", ["-d", "-o", "address", "show", "dev", name]),
    node.run("ip", ["route", "show", "dev", name]),
    node.run("ip", ["-6", "route", "show", "dev", name]),
    node.run("ip", ["nexthop", "show", "dev", name]),
    node.run("ip", ["neigh", "show", "dev", name]),
    node.run("cat", [`/proc/sys/net/ipv4/conf/${name}/rp_filter`]),
  ]);
  return said.join("");
}

/** One sync says what is in the way and fails in nothing else; a second one finds nothing to do. */
async function syncAround(obstacle: string): Promise<void> {
  const report = await syncDataPath(deps, want);
  expect(report.failed).toEqual([]);
  expect(report.obstacles.map(({ message }) => message)).toEqual([expect.stringContaining(obstacle)]);
  expect(await syncDataPath(deps, want)).toEqual({ ...report, done: [] });
}

/** Once it is out of the way one sync makes up for it. */
async function syncWhole(): Promise<void> {
  const report = await syncDataPath(deps, want);
  expect(report).toMatchObject({ failed: [], obstacles: [] });
  expect(isWhole(report)).toBe(true);
  expect(await syncDataPath(deps, want)).toEqual({ done: [], failed: [], obstacles: [] });
}

test("a foreign device with the name of one tunnel leaves the others to carry the traffic, and has nothing of ours on it", async () => {
  await takeName("trs0-1");
  const before = await on("trs0-1");
  await syncAround("device trs0-1 is there already");
  expect(await on("trs0-1")).toBe(before);
  expect(await node.run("ip", ["nexthop", "show", "id", "5000"])).toContain("group 4000 ");
  expect(await node.run("ip", ["route", "get", "10.102.1.1"])).toContain("dev trs0-0");
  expect(await node.run("ip", ["route", "get", "fd65:2::1"])).toContain("dev trs0-0");
  await node.run("ip", ["link", "delete", "dev", "trs0-1"]);
  await syncWhole();
  expect(await node.run("ip", ["nexthop", "show", "id", "5000"])).toContain("group 4000/4001 ");
});

test("a cluster whose only tunnel is another's device is unreachable, not sent there in clear", async () => {
  want = pathOf({ ...RICH, ranks: 1 }, await testKeys(node.run));
  await takeName("trs0-0");
  const before = await on("trs0-0");
  await syncAround("device trs0-0 is there already");
  expect(await on("trs0-0")).toBe(before);
  for (const address of ["10.102.1.1", "10.102.255.1", "fd65:2::1"]) {
    await expect(node.run("ip", ["route", "get", address])).rejects.toThrow(/No route to host|unreachable/);
  }
  expect(await node.run("ip", ["route", "get", "10.103.1.1"])).toContain("dev trsvx");
});

test("a foreign device with the name of ours for addresses keeps its own and gets none, and routes do without a source", async () => {
  await takeName("trsmesh");
  const before = await on("trsmesh");
  await syncAround("device trsmesh is there already");
  expect(await on("trsmesh")).toBe(before);
  expect(await node.run("ip", ["route", "get", "10.102.1.1"])).toContain("dev trs0-");
  expect(await node.run("ip", ["route", "get", "fd65:2::1"])).toContain("dev trs0-");
  await node.run("ip", ["link", "delete", "dev", "trsmesh"]);
  await syncWhole();
  expect(await node.run("ip", ["route", "get", "10.102.1.1"])).toContain("src 10.101.255.1");
});

test("a tunnel that can't be made is a failure, and its group goes by the others", async () => {
  const run: DataPathDeps["run"] = (program, args, options) =>
    args.includes("trs0-1") && args.includes("setsid")
      ? Promise.reject(new Error("wireguard-go is broken"))
      : node.run(program, args, options);
  const report = await syncDataPath({ ...deps, run }, want);
  expect(report.failed).toEqual([
    { part: "links", step: "link create trs0-1 tunnel", message: "wireguard-go is broken" },
  ]);
  expect(await node.run("ip", ["nexthop", "show", "id", "5000"])).toContain("group 4000 ");
  expect(await node.run("ip", ["route", "get", "10.102.1.1"])).toContain("dev trs0-0");
  await syncWhole();
});

test("a foreign chain that can't be opened, and a foreign route in our route's place, are no failures of ours", async () => {
  await node.run("nft", ["table inet early { chain f { type filter hook forward priority -200; policy drop; }; }"]);
  const chain = await syncDataPath(deps, want);
  expect(chain.failed).toEqual([]);
  expect(chain.obstacles).toMatchObject([{ part: "foreign", message: expect.stringContaining("priority -200") }]);
  expect(isWhole(chain)).toBe(true);
  await node.run("ip", ["route", "replace", "unreachable", "10.77.0.0/16", "proto", "static"]);
  want = { ...want, routes: [...want.routes, { prefix: "10.77.0.0/16", target: { kind: "unreachable" } }] };
  const route = await syncDataPath(deps, want);
  expect(route.failed).toEqual([]);
  expect(route.obstacles.map(({ part }) => part).toSorted()).toEqual(["foreign", "routes"]);
  expect(isWhole(route)).toBe(false);
});
