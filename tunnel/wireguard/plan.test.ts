import { expect, test } from "@jest/globals";
import fc from "fast-check";
import type { WireGuardInterface, WireGuardPeer } from "../state.ts";
import type { ObservedPeer, ObservedWireGuard } from "./dump.ts";
import type { EndpointContext, WireGuardStep } from "./plan.ts";
import { planWireGuard } from "./plan.ts";

const NOW = 1_795_250_000;
const AFTER_START: EndpointContext = { now: NOW, lastWanted: new Map() };
const PEER: WireGuardPeer = {
  publicKey: "P",
  endpoint: "192.0.2.2:51820",
  allowedIPs: ["10.2.0.0/16", "fd65:2::/48"],
  persistentKeepalive: 10,
};
const WANT: WireGuardInterface = {
  name: "trs0-0",
  privateKey: "K",
  listenPort: 51820,
  fwmark: 0x7e5,
  mtu: 1420,
  peers: [PEER],
};
const HAVE_PEER: ObservedPeer = { ...PEER, latestHandshake: NOW - 5, rxBytes: 1, txBytes: 2 };
const HAVE: ObservedWireGuard = {
  name: "trs0-0",
  privateKey: "K",
  listenPort: 51820,
  fwmark: 0x7e5,
  peers: [HAVE_PEER],
};

test.each<[string, WireGuardInterface, ObservedWireGuard, WireGuardStep[], WireGuardStep[]?]>([
  ["nothing differs", WANT, HAVE, []],
  [
    "allowed IPs in another order",
    WANT,
    { ...HAVE, peers: [{ ...HAVE_PEER, allowedIPs: PEER.allowedIPs.toReversed() }] },
    [],
  ],
  [
    "a new device",
    WANT,
    { name: "trs0-0", listenPort: 34178, fwmark: 0, peers: [] },
    [
      { op: "configure", privateKey: "K", listenPort: 51820, fwmark: 0x7e5 },
      { op: "peer", ...PEER },
    ],
  ],
  ["another port", WANT, { ...HAVE, listenPort: 5 }, [{ op: "configure", listenPort: 51820 }]],
  [
    "another key of a peer",
    WANT,
    { ...HAVE, peers: [{ ...HAVE_PEER, publicKey: "Q" }] },
    [{ op: "peer", ...PEER }],
    [{ op: "remove", publicKey: "Q" }],
  ],
  [
    "a prefix more",
    WANT,
    { ...HAVE, peers: [{ ...HAVE_PEER, allowedIPs: ["10.2.0.0/16"] }] },
    [{ op: "peer", publicKey: "P", allowedIPs: PEER.allowedIPs }],
  ],
  [
    "a prefix less",
    WANT,
    { ...HAVE, peers: [{ ...HAVE_PEER, allowedIPs: [...PEER.allowedIPs, "10.3.0.0/16"] }] },
    [],
    [{ op: "peer", publicKey: "P", allowedIPs: PEER.allowedIPs }],
  ],
  [
    "one prefix for another",
    WANT,
    { ...HAVE, peers: [{ ...HAVE_PEER, allowedIPs: ["10.2.0.0/16", "10.3.0.0/16"] }] },
    [{ op: "peer", publicKey: "P", allowedIPs: [...PEER.allowedIPs, "10.3.0.0/16"] }],
    [{ op: "peer", publicKey: "P", allowedIPs: PEER.allowedIPs }],
  ],
  [
    "another keepalive",
    WANT,
    { ...HAVE, peers: [{ ...HAVE_PEER, persistentKeepalive: 0 }] },
    [{ op: "peer", publicKey: "P", persistentKeepalive: 10 }],
  ],
  ["no peers wanted", { ...WANT, peers: [] }, HAVE, [], [{ op: "remove", publicKey: "P" }]],
])("%s", (_what, want, have, put, remove = []) => {
  expect(planWireGuard(want, have, AFTER_START)).toEqual({ put, remove });
});

const ROAMED = "198.51.100.7:3999";
test.each([
  ["a peer that roamed and answers is left where it is", NOW - 170, undefined, false],
  ["a peer that roamed is left alone while it is told the same", NOW - 5, PEER.endpoint, false],
  ["a peer that was told another endpoint is sent there at once", NOW - 5, "192.0.2.3:51820", true],
  ["a peer that is silent for long is sent where it is wanted", NOW - 181, PEER.endpoint, true],
  ["a peer that never answered is sent where it is wanted", 0, undefined, true],
])("%s", (_what, latestHandshake, last, moves) => {
  const have = { ...HAVE, peers: [{ ...HAVE_PEER, endpoint: ROAMED, latestHandshake }] };
  const lastWanted = new Map(last === undefined ? [] : [["P", last]]);
  expect(planWireGuard(WANT, have, { now: NOW, lastWanted })).toEqual({
    put: moves ? [{ op: "peer", publicKey: "P", endpoint: PEER.endpoint }] : [],
    remove: [],
  });
});

test("a peer without an endpoint is given one as soon as it is known, whatever it was taken to be", () => {
  const have = { ...HAVE, peers: [{ ...HAVE_PEER, endpoint: undefined, latestHandshake: NOW }] };
  expect(planWireGuard(WANT, have, AFTER_START)).toEqual({
    put: [{ op: "peer", publicKey: "P", endpoint: PEER.endpoint }],
    remove: [],
  });
});

test("a peer behind NAT, which dials us, is never given an endpoint", () => {
  const { endpoint: _none, ...silent } = PEER;
  const have = { ...HAVE, peers: [{ ...HAVE_PEER, endpoint: ROAMED, latestHandshake: 0 }] };
  expect(planWireGuard({ ...WANT, peers: [silent] }, have, AFTER_START)).toEqual({ put: [], remove: [] });
});

/** Peers with disjoint allowed IPs, for two peers of one device never share any. */
function peers(): fc.Arbitrary<WireGuardPeer[]> {
  const owners = fc.uniqueArray(fc.record({ prefix: fc.nat(12), owner: fc.nat(4) }), {
    selector: ({ prefix }) => prefix,
  });
  return fc.tuple(owners, fc.subarray([0, 1, 2, 3, 4]), fc.nat(2), fc.nat(1)).map(([rows, present, port, keepalive]) =>
    present.map((peer) => ({
      publicKey: `P${peer}`,
      endpoint: `192.0.2.${peer}:${51820 + port}`,
      allowedIPs: rows
        .filter(({ owner }) => owner === peer)
        .map(({ prefix }) => (prefix % 2 ? `10.${prefix}.0.0/16` : `fd65:${prefix}::/48`)),
      persistentKeepalive: keepalive * 10,
    })),
  );
}

/** What WireGuard does with a step: an allowed IP has one peer, and moves to the last that was given it. */
function applied(have: ObservedWireGuard, steps: readonly WireGuardStep[]): ObservedWireGuard {
  return steps.reduce((device, step): ObservedWireGuard => {
    if (step.op === "configure") {
      const { privateKey = device.privateKey, listenPort = device.listenPort, fwmark = device.fwmark } = step;
      return { ...device, privateKey, listenPort, fwmark };
    }
    const others = device.peers.filter((peer) => peer.publicKey !== step.publicKey);
    if (step.op === "remove") {
      return { ...device, peers: others };
    }
    const before = device.peers.find((peer) => peer.publicKey === step.publicKey) ?? UNKNOWN_PEER;
    const {
      publicKey,
      endpoint = before.endpoint,
      allowedIPs = before.allowedIPs,
      persistentKeepalive = before.persistentKeepalive,
    } = step;
    const robbed = others.map((peer) => ({
      ...peer,
      allowedIPs: peer.allowedIPs.filter((cidr) => !step.allowedIPs?.includes(cidr)),
    }));
    return { ...device, peers: [...robbed, { ...before, publicKey, endpoint, allowedIPs, persistentKeepalive }] };
  }, have);
}

const UNKNOWN_PEER: ObservedPeer = {
  publicKey: "",
  allowedIPs: [],
  latestHandshake: 0,
  rxBytes: 0,
  txBytes: 0,
  persistentKeepalive: 0,
};

const devices = fc
  .tuple(peers(), fc.nat(1), fc.nat(1))
  .map(([list, port, key]) => ({ ...WANT, listenPort: 51820 + port, privateKey: `K${key}`, peers: list }));
const observed = fc.tuple(devices, fc.constantFrom(0, NOW - 5, NOW - 500)).map(([device, latestHandshake]) => ({
  ...device,
  peers: device.peers.map((peer) => ({ ...peer, latestHandshake, rxBytes: 0, txBytes: 0 })),
}));

test("applying a plan leaves nothing to plan", () => {
  fc.assert(
    fc.property(devices, observed, (want, have) => {
      const { put, remove } = planWireGuard(want, have, AFTER_START);
      const after = applied(applied(have, put), remove);
      expect(planWireGuard(want, after, AFTER_START)).toEqual({ put: [], remove: [] });
      expect(told(after.peers)).toEqual(told(want.peers));
    }),
  );
});

test("before it takes away, every peer has what it shall have and what it had, but for what another shall have", () => {
  fc.assert(
    fc.property(devices, observed, (want, have) => {
      const between = told(applied(have, planWireGuard(want, have, AFTER_START).put).peers);
      const [wanted, before] = [told(want.peers), told(have.peers)];
      const claimed = new Set(want.peers.flatMap(({ allowedIPs }) => allowedIPs));
      for (const publicKey of new Set([...wanted.keys(), ...before.keys()])) {
        const kept = [...(before.get(publicKey) ?? [])].filter((cidr) => !claimed.has(cidr));
        expect(between.get(publicKey)).toEqual(new Set([...(wanted.get(publicKey) ?? []), ...kept]));
      }
    }),
  );
});

function told(list: readonly Pick<WireGuardPeer, "publicKey" | "allowedIPs">[]): Map<string, Set<string>> {
  return new Map(list.map(({ publicKey, allowedIPs }) => [publicKey, new Set(allowedIPs)]));
}
