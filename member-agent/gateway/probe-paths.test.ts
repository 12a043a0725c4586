import { expect, test } from "@jest/globals";
import type { Remote } from "../situation.ts";
import { remoteCluster, situationOf } from "../testing/situations.ts";
import { probePathPlanner } from "./probe-paths.ts";
import type { ProbePath } from "./probe-paths.ts";

const situation = (remotes: readonly Remote[], node = 0) => situationOf({ nodes: 2, gateways: 2, node, remotes });
const pathsOf = (remotes: readonly Remote[], node = 0): readonly ProbePath[] =>
  probePathPlanner()(situation(remotes, node));

test("each accepted kind of tunnel to each gateway is a path between the health addresses of that kind", () => {
  const changing: Remote = { ...remoteCluster(2, [0, 3]), accepts: ["WireGuard", "VXLAN"], tunnel: "VXLAN" };
  expect(pathsOf([changing], 1).map(({ kind, from, to }) => [kind, from, to])).toEqual([
    ["WireGuard", "100.64.4.3", "100.64.8.1"],
    ["WireGuard", "100.64.4.3", "100.64.8.7"],
    ["VXLAN", "100.64.4.4", "100.64.8.2"],
    ["VXLAN", "100.64.4.4", "100.64.8.8"],
  ]);
});

test("VXLAN that leads nowhere is no path: a probe would get there by WireGuard, and prove it", () => {
  const changing: Remote = { ...remoteCluster(2, [0, 3]), accepts: ["WireGuard", "VXLAN"], tunnel: "VXLAN" };
  const [first, second] = changing.gateways;
  const kindsTo = (planned: readonly ProbePath[]) => planned.map(({ kind, rank }) => `${kind} ${rank}`);
  const hidden = [first, second && { ...second, behindNAT: true }].flatMap((each) => each ?? []);
  expect(kindsTo(pathsOf([{ ...changing, gateways: hidden }]))).toEqual(["WireGuard 0", "WireGuard 3", "VXLAN 0"]);
  const here = situation([changing]);
  const own = here.gateway && { ...here.gateway, behindNAT: true };
  expect(kindsTo(probePathPlanner()({ ...here, gateway: own }))).toEqual(["WireGuard 0", "WireGuard 3"]);
});

test.each<[string, Partial<Remote>, readonly (number | undefined)[]]>([
  ["WireGuard that is settled is not probed, but answered", {}, [undefined]],
  ["VXLAN that is settled is probed every 5 s", { tunnel: "VXLAN", accepts: ["VXLAN"], sends: "VXLAN" }, [5_000]],
  [
    "both are probed five times a second while one is to be proven",
    { tunnel: "VXLAN", accepts: ["WireGuard", "VXLAN"] },
    [200, 200],
  ],
  ["both are probed every second in the grace after it", { accepts: ["WireGuard", "VXLAN"] }, [1_000, 1_000]],
])("%s", (_, changes, paces) => {
  const paths = pathsOf([{ ...remoteCluster(2, [0]), ...changes }]);
  expect(paths.map(({ everyMs }) => everyMs)).toEqual(paces);
});

test("clusters without a mesh prefix of a common family, and nodes that are no gateways, have no path", () => {
  expect(pathsOf([{ ...remoteCluster(2, [0]), meshPrefixes: ["fd64:2::/64"] }])).toEqual([]);
  expect(probePathPlanner()({ ...situation([remoteCluster(2, [0])]), gateway: undefined })).toEqual([]);
});

test("a cluster that is the same object has the same paths, unless this gateway has another rank", () => {
  const remote = remoteCluster(2, [0]);
  const planner = probePathPlanner();
  const [first] = planner(situation([remote]));
  expect(planner(situation([remote, remoteCluster(3, [0])]))[0]).toBe(first);
  expect(planner(situation([remote], 1))[0]?.from).toBe("100.64.4.3");
});
