import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { Link } from "./observe.ts";
import type { LinkStep, WantedLink } from "./plan.ts";
import { planLinks } from "./plan.ts";

const TUNNEL: WantedLink = { name: "trs0-0", role: "tunnel", mtu: 1420 };
const MESH: WantedLink = { name: "trsmesh", role: "mesh" };
const OURS: Link = { name: "trs0-0", kind: "tun", mtu: 1420, up: true, alias: "trestle", addressMode: "none" };
const LAN: Link = { name: "eth0", mtu: 1500, up: true };

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
      { op: "set", name: "trs0-0", args: ["alias", "trestle"] },
      { op: "set", name: "trs0-0", args: ["addrgenmode", "none"] },
      { op: "set", name: "trs0-0", args: ["mtu", "1420"] },
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
    "a device of another kind is left alone",
    [MESH],
    [{ ...OURS, name: "trsmesh", kind: "veth" }],
    [{ op: "refuse", name: "trsmesh", kind: "veth" }],
    [],
  ],
  ["a device that is not wanted any more goes", [], [LAN, OURS], [], [{ op: "delete", name: "trs0-0" }]],
  ["a device with our kind of name and no mark stays", [], [{ ...OURS, alias: undefined }], [], []],
  ["a device with our mark and another name stays", [], [{ ...OURS, name: "tun0" }], [], []],
])("%s", (_what, want, have, put, remove) => {
  expect(planLinks(want, have)).toEqual({ put, remove });
});

function applied(have: readonly Link[], steps: readonly LinkStep[]): Link[] {
  return steps.reduce<Link[]>(
    (links, step) => {
      const others = links.filter(({ name }) => name !== step.name);
      const before = links.find(({ name }) => name === step.name);
      if (step.op === "delete") return others;
      if (step.op === "create")
        return [
          ...others,
          {
            name: step.name,
            kind: step.role === "tunnel" ? "tun" : "bridge",
            mtu: 1500,
            up: false,
            addressMode: "eui64",
          },
        ];
      if (step.op === "refuse" || before === undefined) return links;
      const [key, value] = step.args;
      const change = {
        alias: { alias: value },
        addrgenmode: { addressMode: value },
        mtu: { mtu: Number(value) },
        up: { up: true },
      }[key ?? ""];
      return [...others, { ...before, ...change }];
    },
    [...have],
  );
}

test("applying a plan leaves nothing to plan", () => {
  const names = fc.subarray(["trs0-0", "trs0-1", "trs12-3"]);
  const wants = fc
    .tuple(names, fc.boolean(), fc.constantFrom(1420, 1400))
    .map(([list, mesh, mtu]) => [...list.map((name) => ({ ...TUNNEL, name, mtu })), ...(mesh ? [MESH] : [])]);
  const haves = fc
    .tuple(names, fc.boolean(), fc.boolean(), fc.constantFrom(undefined, "trestle"))
    .map(([list, up, mesh, alias]) => [
      LAN,
      ...list.map((name) => ({ ...OURS, name, up, alias })),
      ...(mesh ? [{ ...OURS, name: "trsmesh", kind: "dummy", alias }] : []),
    ]);
  fc.assert(
    fc.property(wants, haves, (want, have) => {
      const { put, remove } = planLinks(want, have);
      expect(planLinks(want, applied(applied(have, put), remove))).toEqual({ put: [], remove: [] });
    }),
  );
});
