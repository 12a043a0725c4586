import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Link } from "./observe.ts";
import type { LinkStep, WantedLink } from "./plan.ts";
import { planLinks } from "./plan.ts";

const TUNNEL: WantedLink = { name: "trs0-0", role: "tunnel", mtu: 1420 };
const MESH: WantedLink = { name: "trsmesh", role: "mesh" };
const VXLAN: Extract<WantedLink, { role: "vxlan" }> = {
  name: "trsvx",
  role: "vxlan",
  mtu: 1450,
  vxlan: { vni: 2021, port: 7076, local: "192.0.2.1", mac: "02:74:67:00:01:00" },
};
const OURS: Link = {
  name: "trs0-0",
  kind: "tun",
  mtu: 1420,
  up: true,
  alias: "trestle",
  addressMode: "none",
  noARP: true,
  hostAddresses: ["169.254.1.1/32"],
};
const SETTINGS = { vni: 2021, port: 7076, local: "192.0.2.1", learning: false };
const OUR_VXLAN: Link = {
  ...OURS,
  name: "trsvx",
  kind: "vxlan",
  mtu: 1450,
  mac: "02:74:67:00:01:00",
  vxlan: SETTINGS,
};
const LAN: Link = { name: "eth0", mtu: 1500, up: true, noARP: false, hostAddresses: [] };

const NEW_VXLAN: readonly LinkStep[] = [
  { op: "create", name: "trsvx", role: "vxlan", vxlan: VXLAN.vxlan },
  { op: "set", name: "trsvx", args: ["addrgenmode", "none"] },
  { op: "set", name: "trsvx", args: ["arp", "off"] },
  { op: "set", name: "trsvx", args: ["mtu", "1450"] },
  { op: "address", name: "trsvx", address: "169.254.1.1/32" },
  { op: "set", name: "trsvx", args: ["up"] },
];
const MADE_ANEW: readonly LinkStep[] = [{ op: "delete", name: "trsvx" }, ...NEW_VXLAN];

test.each<[string, readonly WantedLink[], readonly Link[], readonly LinkStep[], readonly LinkStep[]]>([
  ["nothing differs", [TUNNEL], [LAN, OURS], [], []],
  ["the kernel's own WireGuard will do as well", [TUNNEL], [{ ...OURS, kind: "wireguard" }], [], []],
  ["where there is no IPv6, there is no address mode", [TUNNEL], [{ ...OURS, addressMode: undefined }], [], []],
  [
    "a new device is marked before all else and set up last",
    [TUNNEL],
    [LAN],
    [
      { op: "create", name: "trs0-0", role: "tunnel" },
      { op: "set", name: "trs0-0", args: ["addrgenmode", "none"] },
      { op: "set", name: "trs0-0", args: ["mtu", "1420"] },
      { op: "address", name: "trs0-0", address: "169.254.1.1/32" },
      { op: "set", name: "trs0-0", args: ["up"] },
    ],
    [],
  ],
  [
    "a device that was made and not marked is adopted",
    [TUNNEL],
    [{ ...OURS, alias: undefined, up: false }],
    [
      { op: "set", name: "trs0-0", args: ["alias", "trestle"] },
      { op: "set", name: "trs0-0", args: ["up"] },
    ],
    [],
  ],
  [
    "a tunnel that lost its address gets it back; the mesh device needs none",
    [TUNNEL, VXLAN, MESH],
    [
      { ...OURS, hostAddresses: [] },
      { ...OUR_VXLAN, hostAddresses: ["127.0.0.2/8"] },
      { ...OURS, name: "trsmesh", kind: "dummy", hostAddresses: [] },
    ],
    [
      { op: "address", name: "trs0-0", address: "169.254.1.1/32" },
      { op: "address", name: "trsvx", address: "169.254.1.1/32" },
    ],
    [],
  ],
  [
    "a device of another kind is left alone",
    [MESH],
    [{ ...OURS, name: "trsmesh", kind: "veth" }],
    [{ op: "refuse", name: "trsmesh", kind: "veth" }],
    [],
  ],
  ["a device that is not wanted any more goes", [], [LAN, OURS], [], [{ op: "delete", name: "trs0-0" }]],
  ["a device with our kind of name and no mark stays", [], [{ ...OURS, alias: undefined }], [], []],
  ["a device with our mark and another name stays", [], [{ ...OURS, name: "tun0" }], [], []],
  ["a VXLAN device is as it shall be", [VXLAN], [OUR_VXLAN], [], []],
  ["a new VXLAN device learns nothing by ARP before it is up", [VXLAN], [LAN], NEW_VXLAN, []],
  [
    "what the kernel can change on a VXLAN device is changed in place",
    [VXLAN],
    [
      {
        ...OUR_VXLAN,
        mac: "02:74:67:00:01:01",
        mtu: 1500,
        noARP: false,
        vxlan: { ...SETTINGS, local: "192.0.2.9", learning: true },
      },
    ],
    [
      { op: "set", name: "trsvx", args: ["address", "02:74:67:00:01:00"] },
      { op: "set", name: "trsvx", args: ["arp", "off"] },
      { op: "set", name: "trsvx", args: ["type", "vxlan", "local", "192.0.2.1", "nolearning"] },
      { op: "set", name: "trsvx", args: ["mtu", "1450"] },
    ],
    [],
  ],
  ["of another VNI it is made anew", [VXLAN], [{ ...OUR_VXLAN, vxlan: { ...SETTINGS, vni: 9 } }], MADE_ANEW, []],
  ["of another port", [VXLAN], [{ ...OUR_VXLAN, vxlan: { ...SETTINGS, port: 9 } }], MADE_ANEW, []],
  ["of another family", [VXLAN], [{ ...OUR_VXLAN, vxlan: { ...SETTINGS, local: "2001:db8::1" } }], MADE_ANEW, []],
  ["with a way of its own", [VXLAN], [{ ...OUR_VXLAN, vxlan: { ...SETTINGS, altered: true } }], MADE_ANEW, []],
  [
    "a VXLAN device of another VNI that is not marked is another's",
    [VXLAN],
    [{ ...OUR_VXLAN, alias: undefined, vxlan: { ...SETTINGS, vni: 9 } }],
    [{ op: "refuse", name: "trsvx", kind: "vxlan" }],
    [],
  ],
  [
    "a VXLAN device that was made and not marked is adopted",
    [VXLAN],
    [{ ...OUR_VXLAN, alias: undefined }],
    [{ op: "set", name: "trsvx", args: ["alias", "trestle"] }],
    [],
  ],
  [
    "VXLAN devices that are not wanted any more go, those between nodes too, and no other's",
    [],
    [
      OUR_VXLAN,
      { ...OUR_VXLAN, name: "trnvx6" },
      { ...OUR_VXLAN, name: "flannel.1" },
      { ...OUR_VXLAN, name: "trsvx6", alias: undefined },
    ],
    [],
    [
      { op: "delete", name: "trsvx" },
      { op: "delete", name: "trnvx6" },
    ],
  ],
])("%s", (_what, want, have, put, remove) => {
  expect(planLinks(want, have)).toEqual({ put, remove });
});

const KIND_OF = { tunnel: "tun", mesh: "bridge", vxlan: "vxlan" } as const;

function created(step: Extract<LinkStep, { op: "create" }>): Link {
  const link: Link = {
    name: step.name,
    kind: KIND_OF[step.role],
    mtu: 1500,
    up: false,
    alias: "trestle",
    addressMode: "eui64",
    noARP: false,
    hostAddresses: [],
  };
  if (step.role !== "vxlan") return link;
  const { mac, ...settings } = step.vxlan;
  return { ...link, mac, vxlan: { ...settings, learning: false } };
}

function changed(link: Link, [key, value, ...more]: readonly string[]): Link {
  const local = more[more.indexOf("local") + 1];
  const changes: Readonly<Record<string, Partial<Link>>> = {
    alias: { alias: value },
    addrgenmode: { addressMode: value },
    address: { mac: value },
    arp: { noARP: true },
    mtu: { mtu: Number(value) },
    up: { up: true },
    type: {
      vxlan: {
        ...(link.vxlan ?? { learning: true }),
        ...(more.includes("local") && { local }),
        ...(more.includes("nolearning") && { learning: false }),
      },
    },
  };
  return { ...link, ...changes[key ?? ""] };
}

function applied(have: readonly Link[], steps: readonly LinkStep[]): Link[] {
  return steps.reduce<Link[]>(
    (links, step) => {
      const others = links.filter(({ name }) => name !== step.name);
      const before = links.find(({ name }) => name === step.name);
      if (step.op === "delete") return others;
      if (step.op === "create") return [...others, created(step)];
      if (step.op === "refuse" || before === undefined) return links;
      if (step.op === "address") return [...others, { ...before, hostAddresses: [step.address] }];
      return [...others, changed(before, step.args)];
    },
    [...have],
  );
}

test("applying a plan leaves nothing to plan", () => {
  const names = fc.subarray(["trs0-0", "trs0-1", "trs12-3"]);
  const wants = fc
    .tuple(names, fc.boolean(), fc.constantFrom(1420, 1400))
    .map(([list, mesh, mtu]) => [...list.map((name) => ({ ...TUNNEL, name, mtu })), ...(mesh ? [MESH] : [])]);
  const vxlanWants = fc.record({
    vni: fc.constantFrom(1, 2),
    local: fc.constantFrom("192.0.2.1", "192.0.2.2", "2001:db8::1"),
    mac: fc.constantFrom("02:00:00:00:00:01", "02:00:00:00:00:02"),
  });
  const vxlanHaves = fc.record({
    alias: fc.constant("trestle"),
    up: fc.boolean(),
    noARP: fc.boolean(),
    hostAddresses: fc.constantFrom([], ["169.254.1.1/32"]),
    mac: fc.constant("02:00:00:00:00:01"),
    vxlan: fc.record({
      vni: fc.constant(1),
      port: fc.constantFrom(7076, 1),
      local: fc.constant("192.0.2.1"),
      learning: fc.boolean(),
    }),
  });
  const haves = fc
    .tuple(names, fc.boolean(), fc.boolean(), fc.constantFrom(undefined, "trestle"))
    .map(([list, up, mesh, alias]) => [
      LAN,
      ...list.map((name) => ({ ...OURS, name, up, alias })),
      ...(mesh ? [{ ...OURS, name: "trsmesh", kind: "dummy", alias }] : []),
    ]);
  fc.assert(
    fc.property(wants, haves, fc.option(vxlanWants), fc.option(vxlanHaves), (others, otherLinks, vxlan, vxlanLink) => {
      const want = [...others, ...(vxlan ? [{ ...VXLAN, vxlan: { ...VXLAN.vxlan, ...vxlan } }] : [])];
      const have = [...otherLinks, ...(vxlanLink ? [{ ...OUR_VXLAN, ...vxlanLink }] : [])];
      const { put, remove } = planLinks(want, have);
      expect(planLinks(want, applied(applied(have, put), remove))).toEqual({ put: [], remove: [] });
    }),
  );
});
