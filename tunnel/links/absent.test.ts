import { expect, test } from "@jest/globals";
import type { DataPath, Nexthop, Route } from "../state.ts";
import { EMPTY_DATA_PATH } from "../state.ts";
import { pathOf, RICH } from "../testing/paths.ts";
import { withoutDevices } from "./absent.ts";

const KEYS = { own: ["K", "L"], peers: ["P", "Q", "R", "S"] } as const;
const WHOLE = pathOf(RICH, KEYS);

test("where every device is there nothing is left out, and nothing is made anew", () => {
  expect(withoutDevices(WHOLE, new Set())).toBe(WHOLE);
});

test("a group keeps the members whose devices are there", () => {
  const { nexthops, routes } = withoutDevices(WHOLE, new Set(["trs0-1"]));
  expect(nexthops).toContainEqual({ id: 5000, group: [4000] });
  expect(nexthops).toContainEqual({ id: 5001, group: [4100] });
  expect(nexthops.some(({ id }) => id === 4001)).toBe(false);
  expect(routes).toEqual(WHOLE.routes.filter(({ target }) => target.kind !== "device" || target.device === "trs0-0"));
});

test("a group without members goes, and its routes, but for the backstops", () => {
  const { nexthops, routes } = withoutDevices(WHOLE, new Set(["trs0-0", "trs0-1"]));
  expect(nexthops.some(({ id }) => id === 5000 || id === 5001)).toBe(false);
  expect(routes.filter(({ prefix }) => prefix === "10.102.0.0/16")).toEqual([
    { prefix: "10.102.0.0/16", target: { kind: "unreachable" }, metric: 9999 },
  ]);
  expect(routes.some(({ target }) => target.kind === "nexthop" && target.id === 5300)).toBe(true);
});

const hop = (device: string) => ({ via: "192.0.2.7", device });
const multipath = (...devices: string[]): Route => ({
  prefix: "10.101.7.0/24",
  target: { kind: "multipath", hops: devices.map(hop) },
});

test.each<[string, Partial<DataPath>, Partial<DataPath>]>([
  ["a hop of several", { routes: [multipath("eth0", "gone")] }, { routes: [multipath("eth0")] }],
  ["the only hop", { routes: [multipath("gone")] }, { routes: [] }],
  [
    "a route out of it",
    { routes: [{ prefix: "10.2.0.1/32", target: { kind: "device", device: "gone" } }] },
    { routes: [] },
  ],
  ["a nexthop", { nexthops: [{ id: 1, family: 4, device: "gone" }] satisfies Nexthop[] }, { nexthops: [] }],
  [
    "its sysctls",
    {
      sysctls: [
        { key: "net.ipv4.conf.gone.rp_filter", value: "2" },
        { key: "net.ipv4.ip_forward", value: "1" },
      ],
    },
    { sysctls: [{ key: "net.ipv4.ip_forward", value: "1" }] },
  ],
])("of a device that is not there nothing is wanted: %s", (_what, want, left) => {
  expect(withoutDevices({ ...EMPTY_DATA_PATH, ...want }, new Set(["gone"]))).toEqual({ ...EMPTY_DATA_PATH, ...left });
});

test("without the device of the mesh addresses no packet has one for its source, and all routes stay", () => {
  const { meshAddresses, routes } = withoutDevices(WHOLE, new Set(["trsmesh"]));
  expect(meshAddresses).toEqual([]);
  expect(routes).toEqual(WHOLE.routes.map((route) => ({ ...route, src: undefined })));
});
