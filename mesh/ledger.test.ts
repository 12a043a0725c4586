import { expect, test } from "@jest/globals";
import type { AdmissionRequest } from "./admission-request.ts";
import type { Admission } from "./ledger.ts";
import { admitCluster, EMPTY_LEDGER, HIGHEST_NUMBER, ownerOf, releaseCluster } from "./ledger.ts";
import { ledgerFaults } from "./ledger-faults.ts";
import type { Checked } from "./refusal.ts";
import type { LedgerSpec } from "./resources.ts";
import { pool, request } from "./testing/objects.ts";

const POOLS = [
  pool("pods4", "10.0.0.0/8", 16),
  pool("pods6", "fd00::/32", 48),
  pool("mesh4", "172.16.0.0/12", 24, "Mesh"),
  pool("mesh6", "fdff::/48", 64, "Mesh"),
];

function admitted(result: Checked<Admission>): Admission {
  if (result.refusal) {
    throw new Error(result.refusal.message);
  }
  return result.value;
}

/** A ledger after these clusters were admitted, each by what it asks. */
function ledgerOf(...requests: readonly AdmissionRequest[]): LedgerSpec {
  return requests.reduce((ledger, each) => admitted(admitCluster(ledger, POOLS, each)).ledger, EMPTY_LEDGER);
}

test("a cluster gets a number, a block of each family it asks for, and a mesh prefix of both", () => {
  expect(admitted(admitCluster(EMPTY_LEDGER, POOLS, request("east", { families: [6, 4] })))).toEqual({
    number: 1,
    podCIDRs: ["10.0.0.0/16", "fd00::/48"],
    meshPrefixes: ["172.16.0.0/24", "fdff::/64"],
    ledger: {
      numbers: [{ cluster: "east", number: 1 }],
      rows: [
        { prefix: "10.0.0.0/16", cluster: "east", use: "assigned", pool: "pods4" },
        { prefix: "172.16.0.0/24", cluster: "east", use: "mesh", pool: "mesh4" },
        { prefix: "fd00::/48", cluster: "east", use: "assigned", pool: "pods6" },
        { prefix: "fdff::/64", cluster: "east", use: "mesh", pool: "mesh6" },
      ],
    },
  });
});

test("asking again for the same gives the same, and changes nothing", () => {
  for (const asked of [
    request("east"),
    request("east", { podCIDRs: ["192.168.0.0/16"], allowedCIDRs: ["10.1.0.240/28"], localCIDRs: ["10.1.0.0/24"] }),
  ]) {
    const first = admitted(admitCluster(ledgerOf(request("west")), POOLS, asked));
    const again = admitCluster(first.ledger, POOLS, asked);
    expect(again).toEqual({ value: first });
    expect(again.value?.ledger).toBe(first.ledger);
  }
});

test("a declared range lies in no pool or in one, and what is left of that pool is still given out", () => {
  const ledger = ledgerOf(
    request("east", { podCIDRs: ["10.0.128.0/17"] }),
    request("west", { podCIDRs: ["100.64.0.0/16"] }),
  );
  expect(admitted(admitCluster(ledger, POOLS, request("north"))).podCIDRs).toEqual(["10.1.0.0/16"]);
});

test("a range is written canonically, whatever was typed, and once", () => {
  const asked = request("east", { podCIDRs: ["FD77:0::/48", "fd77::/48"] });
  expect(admitted(admitCluster(EMPTY_LEDGER, POOLS, asked)).podCIDRs).toEqual(["fd77::/48"]);
});

test("the first pool by name that has room is used, and one that is full is passed over", () => {
  const pools = [pool("b", "10.0.0.0/16", 16), pool("a", "10.1.0.0/16", 16)];
  const first = admitted(admitCluster(EMPTY_LEDGER, pools, request("east")));
  expect(first.podCIDRs).toEqual(["10.1.0.0/16"]);
  expect(admitted(admitCluster(first.ledger, pools, request("west"))).podCIDRs).toEqual(["10.0.0.0/16"]);
});

test("a cluster may ask for another prefix length than its pool's", () => {
  const asked = request("east", { prefixLength: 20 });
  expect(admitted(admitCluster(EMPTY_LEDGER, POOLS, asked)).podCIDRs).toEqual(["10.0.0.0/20"]);
});

test("pod CIDRs only grow: what is no longer asked for stays, what is new is added", () => {
  const before = ledgerOf(request("east"));
  const grown = admitted(admitCluster(before, POOLS, request("east", { podCIDRs: ["192.168.0.0/16"] })));
  expect(grown).toMatchObject({
    number: 1,
    podCIDRs: ["10.0.0.0/16", "192.168.0.0/16"],
    meshPrefixes: ["172.16.0.0/24", "fdff::/64"],
  });
  const both = admitted(admitCluster(grown.ledger, POOLS, request("east", { families: [4, 6] })));
  expect(both.podCIDRs).toEqual(["10.0.0.0/16", "192.168.0.0/16", "fd00::/48"]);
});

test("a range once assigned may be declared back, and stays an assigned one", () => {
  const before = ledgerOf(request("east"));
  expect(admitted(admitCluster(before, POOLS, request("east", { podCIDRs: ["10.0.0.0/16"] }))).ledger).toBe(before);
});

test("announced and local ranges follow the request", () => {
  const before = ledgerOf(request("east", { allowedCIDRs: ["192.0.2.0/24"], localCIDRs: ["192.168.1.0/24"] }));
  const { ledger } = admitted(admitCluster(before, POOLS, request("east", { localCIDRs: ["192.168.2.0/24"] })));
  expect(ledger.rows.filter(({ pool }) => pool === undefined)).toEqual([
    { prefix: "192.168.2.0/24", cluster: "east", use: "local" },
  ]);
});

test("two sites may have the same LAN, and announce a part of their own", () => {
  const lan = "192.168.1.0/24";
  const ledger = ledgerOf(request("east", { localCIDRs: [lan] }), request("west", { localCIDRs: [lan] }));
  expect(ledger.rows.filter(({ use }) => use === "local")).toHaveLength(2);
  const carved = request("north", { localCIDRs: ["192.168.7.0/24"], allowedCIDRs: ["192.168.7.240/28"] });
  expect(admitCluster(ledger, POOLS, carved).refusal).toBeUndefined();
});

test("pool blocks keep clear of everybody's LAN", () => {
  const ledger = ledgerOf(request("east", { podCIDRs: ["192.168.0.0/16"], localCIDRs: ["10.0.3.0/24"] }));
  expect(admitted(admitCluster(ledger, POOLS, request("west", { localCIDRs: ["10.1.0.0/24"] }))).podCIDRs).toEqual([
    "10.2.0.0/16",
  ]);
});

test("a number is the lowest free one, sticky, and free again after its cluster left", () => {
  const ledger = ledgerOf(request("a"), request("b"), request("c"));
  const without = releaseCluster(ledger, "b");
  expect(without.rows.some(({ cluster }) => cluster === "b")).toBe(false);
  expect(admitted(admitCluster(without, POOLS, request("c"))).number).toBe(3);
  expect(admitted(admitCluster(without, POOLS, request("d")))).toMatchObject({ number: 2, podCIDRs: ["10.1.0.0/16"] });
  expect(releaseCluster(without, "b")).toBe(without);
});

test("the last number can be given, and none after it", () => {
  const numbers = Array.from({ length: HIGHEST_NUMBER - 1 }, (_, n) => ({ cluster: `c${n + 1}`, number: n + 1 }));
  const last = admitted(admitCluster({ rows: [], numbers }, POOLS, request("last")));
  expect(last.number).toBe(HIGHEST_NUMBER);
  expect(admitCluster(last.ledger, POOLS, request("late")).refusal?.code).toBe("numbers-exhausted");
});

const TAKEN = ledgerOf(
  request("east", { podCIDRs: ["10.2.128.0/17"], allowedCIDRs: ["192.0.2.0/24"], localCIDRs: ["192.168.1.0/24"] }),
);

test.each<[string, Partial<AdmissionRequest>, string, string]>([
  [
    "another's pods",
    { podCIDRs: ["10.2.0.0/16"] },
    "cidr-overlap",
    'cluster "west" asks for 10.2.0.0/16, which overlaps 10.2.128.0/17 of cluster "east"; pick another range or leave podCIDRs empty',
  ],
  ["the very same pods", { podCIDRs: ["10.2.128.0/17"] }, "cidr-overlap", ""],
  ["another's announced range", { podCIDRs: ["192.0.2.128/25"] }, "cidr-overlap", ""],
  ["another's mesh prefix", { podCIDRs: ["172.16.0.0/16"] }, "cidr-overlap", ""],
  [
    "another's LAN",
    { podCIDRs: ["192.168.0.0/16"] },
    "cidr-overlap",
    'cluster "west" asks for 192.168.0.0/16, which overlaps 192.168.1.0/24 on the site of cluster "east"; pick another range or leave podCIDRs empty',
  ],
  [
    "to announce another's pods",
    { allowedCIDRs: ["10.2.200.0/24"] },
    "cidr-overlap",
    'cluster "west" wants to announce 10.2.200.0/24, which overlaps 10.2.128.0/17 of cluster "east"; pick a range that is free, or leave it out of allowedCIDRs',
  ],
  ["to announce another's LAN", { allowedCIDRs: ["192.168.1.0/28"] }, "cidr-overlap", ""],
  [
    "a LAN over another's pods",
    { localCIDRs: ["10.2.200.0/24"] },
    "cidr-overlap",
    'cluster "west" has on its own site 10.2.200.0/24, which overlaps 10.2.128.0/17 of cluster "east"; renumber one of the two, or leave it out of localCIDRs if nobody there needs the other',
  ],
  [
    "ranges that overlap each other",
    { podCIDRs: ["10.5.0.0/16", "10.5.1.0/24"] },
    "cidr-overlap",
    'cluster "west" asks for 10.5.1.0/24, which overlaps its own 10.5.0.0/16 (declared); pick another range or leave podCIDRs empty',
  ],
  ["pods on its own LAN", { podCIDRs: ["10.5.0.0/16"], localCIDRs: ["10.5.0.0/24"] }, "cidr-overlap", ""],
  ["to announce its whole LAN", { allowedCIDRs: ["10.5.0.0/24"], localCIDRs: ["10.5.0.0/24"] }, "cidr-overlap", ""],
  [
    "host bits",
    { podCIDRs: ["10.5.0.1/16"] },
    "host-bits-set",
    "10.5.0.1/16 has host bits set; did you mean 10.5.0.0/16?",
  ],
  ["garbage", { allowedCIDRs: ["east"] }, "bad-cidr", ""],
  [
    "loopback",
    { podCIDRs: ["127.0.0.0/16"] },
    "bad-cidr",
    "127.0.0.0/16 overlaps 127.0.0.0/8 (loopback), which can't be routed; use a range such as 10.0.0.0/8 or fd00::/8",
  ],
  ["loopback announced", { allowedCIDRs: ["127.0.0.0/16"] }, "bad-cidr", "overlaps 127.0.0.0/8 (loopback)"],
  ["everything", { podCIDRs: ["0.0.0.0/0"] }, "bad-cidr", ""],
  ["everything as its LAN", { localCIDRs: ["::/0"] }, "bad-cidr", ""],
  ["a name that is none", { cluster: "*" }, "bad-name", ""],
  ["no family", { families: [] }, "bad-spec", ""],
  ["a length for two families", { families: [4, 6], prefixLength: 20 }, "bad-spec", ""],
  ["a length for what it declares", { podCIDRs: ["10.5.0.0/16"], prefixLength: 20 }, "bad-spec", ""],
  ["a length that is none", { prefixLength: 0 }, "bad-spec", ""],
  [
    "too long an IPv4 prefix",
    { prefixLength: 27 },
    "prefix-too-long",
    'cluster "west" asks for a /27; the longest IPv4 block is /26, so that its nodes find room in it',
  ],
  ["too long an IPv6 prefix", { families: [6], prefixLength: 123 }, "prefix-too-long", ""],
  ["more than a pool has", { prefixLength: 7 }, "prefix-too-short", ""],
  [
    "all that a pool had",
    { prefixLength: 8 },
    "pool-exhausted",
    'cluster "west" gets no block: no Pods pool of IPv4 has room for a /8: "pods4" (10.0.0.0/8); create another pool, ask for a longer prefix or let an unused cluster leave',
  ],
])("a cluster that asks for %s is refused", (_, asked, code, message) => {
  const { refusal } = admitCluster(TAKEN, POOLS, request("west", asked));
  expect(refusal?.code).toBe(code);
  expect(refusal?.message).toContain(message);
});

test("without a pool of a family there is no block of it, and the message says how to make one", () => {
  expect(
    admitCluster(EMPTY_LEDGER, [pool("pods4", "10.0.0.0/8", 16)], request("east", { families: [6] })).refusal,
  ).toEqual({
    code: "pool-exhausted",
    message: 'cluster "east" gets no block: there is no Pods pool of IPv6; create one with "trestle pool create"',
  });
});

test("the owner of an address is who may announce it, before who has it on its LAN", () => {
  const ledger = ledgerOf(
    request("east", { localCIDRs: ["192.168.1.0/24"], allowedCIDRs: ["192.168.1.240/28"] }),
    request("west", { podCIDRs: ["fd77::/48"] }),
  );
  expect(ownerOf(ledger, "192.168.1.241")).toMatchObject({ cluster: "east", use: "announced" });
  expect(ownerOf(ledger, "192.168.1.1")).toMatchObject({ cluster: "east", use: "local" });
  expect(ownerOf(ledger, "fd77::1")).toMatchObject({ cluster: "west", use: "declared" });
  expect(ownerOf(ledger, "8.8.8.8")).toBeUndefined();
});

test("fifty clusters get fifty disjoint blocks", () => {
  const ledger = ledgerOf(...Array.from({ length: 50 }, (_, n) => request(`c${n}`)));
  expect(ledgerFaults(ledger)).toEqual([]);
  expect(ledger.rows.filter(({ use }) => use === "assigned")).toHaveLength(50);
});

test("a thousand clusters are admitted in seconds", () => {
  const pools = [pool("pods4", "10.0.0.0/8", 20), pool("mesh4", "172.16.0.0/12", 24, "Mesh")];
  const start = performance.now();
  let ledger = EMPTY_LEDGER;
  for (let n = 0; n < 1000; n++) {
    ({ ledger } = admitted(admitCluster(ledger, pools, request(`c${n}`))));
  }
  expect(performance.now() - start).toBeLessThan(60_000);
  expect(ledger.rows).toHaveLength(2000);
  expect(ledgerFaults(ledger)).toEqual([]);
});
