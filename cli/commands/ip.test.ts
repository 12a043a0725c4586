import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { nodeKind } from "../../crds/node.ts";
import { instance } from "../../mesh/ipam/testing/objects.ts";
import { startOwnStore } from "../testing/own-store.ts";
import type { OwnStore } from "../testing/own-store.ts";

let own: OwnStore;
beforeAll(async () => {
  own = await startOwnStore();
}, 60_000);
beforeEach(() =>
  own.done(
    "network create overlay --type Overlay",
    "network create lan --type Underlay",
    "subnet create pods --network overlay --cidr 10.64.0.0/16 --reserve 10.64.0.200",
    "subnet create six --network overlay --cidr fd00:64::/112",
    "subnet create lan --network lan --cidr 192.168.1.0/24 --gateway 192.168.1.1",
  ),
);
afterEach(() => own.clear());
afterAll(() => own?.remove());

const lan = { network: "lan", node: "b" };

test("addresses are listed in their order, each with the gateway of its Subnet or the pods' own next hop", async () => {
  for (const [address, of] of [
    ["10.64.0.10", "pods"],
    ["10.64.0.9", "pods"],
    ["fd00:64::2", "six"],
  ] as const) {
    await own.store.create(ipInstanceKind, instance(address, of));
  }
  await own.store.create(ipInstanceKind, instance("192.168.1.20", "lan", lan));
  await own.done("ip create 192.168.1.30 --subnet lan --pod shop/db");
  expect(await own.done("ip list")).toBe(`\
ADDRESS        GATEWAY       POD          NODE   SUBNET   NETWORK
10.64.0.9      169.254.1.1   shop/web-0   a      pods     overlay
10.64.0.10     169.254.1.1   shop/web-0   a      pods     overlay
192.168.1.20   192.168.1.1   shop/web-0   b      lan      lan
192.168.1.30   192.168.1.1   shop/db      -      lan      lan
fd00:64::2     fe80::1       shop/web-0   a      six      overlay
`);
  expect(await own.done("get ips")).toBe(await own.done("ip list"));
  const wide = (await own.done("ip list --output wide")).split("\n").map((line) => line.split(/ {3,}/).slice(6, 10));
  expect([wide[0], wide[3], wide[4]]).toEqual([
    ["PHASE", "RETAINED", "OWNER", "ATTACHMENT"],
    ["Bound", "no", "-", "eth0 of sandbox-1"],
    ["Retained", "yes", "-", "-"],
  ]);
});

test("an address is kept for a pod to come, and let go, by its text or by its object's name", async () => {
  expect(await own.done("ip create 192.168.1.30 --subnet lan --pod shop/db")).toBe("ipinstance/192-168-1-30 created\n");
  expect(await own.store.get(ipInstanceKind, "192-168-1-30")).toMatchObject({
    spec: { address: "192.168.1.30", network: "lan", pod: { namespace: "shop", name: "db" }, retained: true },
    status: { phase: "Retained" },
  });
  expect(await own.done("ip show 192.168.1.30")).toContain("Retained:   yes: it outlives the pod\n");
  expect(await own.done("get ip 192-168-1-30")).toMatch(/^ADDRESS .*\n192\.168\.1\.30 /);
  expect(await own.done("ip delete 192.168.1.30")).toBe("ipinstance/192-168-1-30 deleted\n");
  await own.done("ip create 10.64.0.200 --subnet pods --pod shop/db", "ip delete 10-64-0-200");
  expect(await own.store.list(ipInstanceKind)).toEqual([]);
});

test.each([
  ["ip create 10.64.0.9 --subnet pods --pod shop/db", "10.64.0.9 is not among reservedIPs of overlay Subnet"],
  ["ip create 192.168.1.20 --subnet lan --pod shop/db", "192.168.1.20 is in use by shop/web-0; nothing was changed"],
  ["ip create 192.168.1.11 --subnet lan --pod shop/db", '192.168.1.11 is the own address of node "b"'],
  ["ip create 192.168.1.40 --subnet none --pod shop/db", 'there is no Subnet "none"; there are lan, pods, six'],
  ["ip create 192.168.1 --subnet lan --pod db", "2 faults, nothing was changed:\n"],
  ["ip delete 192.168.1.20", '192.168.1.20 is in use by shop/web-0 on node "b"; delete that pod'],
  ["ip delete 192-168-1-20", '192.168.1.20 is in use by shop/web-0 on node "b"'],
  ["delete ip 192.168.1.20", '192.168.1.20 is in use by shop/web-0 on node "b"'],
  ["ip delete 192.168.1.99", 'there is no IPInstance "192-168-1-99"; there is 192-168-1-20'],
  ["ip delete 192.168.1.999", '"192.168.1.999" is not an IP address'],
  ["ip show 192.168.1.99", 'there is no IPInstance "192-168-1-99"'],
  ["delete block 10.64.2.0/24", "an IPBlock is not deleted by hand: its node gives it back"],
  ["block show 10.64.1.0/33", '"10.64.1.0/33" is not a CIDR'],
])("`trestle %s` is refused, and nothing is changed", async (line, message) => {
  await own.store.create(ipInstanceKind, instance("192.168.1.20", "lan", lan));
  const block = { cidr: "10.64.2.0/24", node: "a", purpose: "Pods" } as const;
  await own.store.create(ipBlockKind, { metadata: { name: "10-64-2-0-24" }, spec: block });
  await own.store.create(nodeKind, { metadata: { name: "b" }, spec: { addresses: ["192.168.1.11/24"] } });
  const before = await own.everything();
  const { exitCode, stdout, stderr } = await own.type(line);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain(message);
  expect(await own.everything()).toEqual(before);
});

test("a reserved address in the block of a node is kept once that node has said that it gives it to nobody", async () => {
  const spec = { cidr: "10.64.0.0/24", node: "a", purpose: "Pods" } as const;
  const block = await own.store.create(ipBlockKind, { metadata: { name: "10-64-0-0-24" }, spec });
  const create = "ip create 10.64.0.200 --subnet pods --pod shop/db";
  const { exitCode, stderr } = await own.type(create);
  expect({ exitCode, stderr }).toEqual({
    exitCode: 1,
    stderr: expect.stringMatching(
      /node "a", which issues from 10\.64\.0\.0\/24, has not said yet .*nothing was changed/,
    ),
  });
  expect(await own.store.list(ipInstanceKind)).toEqual([]);
  const said = own.done(create);
  await own.store.updateStatus(ipBlockKind, { ...block, status: { withheld: ["10.64.0.200"] } });
  expect(await said).toBe("ipinstance/10-64-0-200 created\n");
}, 30_000);

test("blocks are listed in the order of their addresses, and shown with what is in them", async () => {
  for (const cidr of ["10.64.10.0/24", "10.64.2.0/24"]) {
    await own.store.create(ipBlockKind, {
      metadata: { name: cidr.replace("/", "-").replaceAll(".", "-") },
      spec: { cidr, node: "a", purpose: "Pods" },
      ...(cidr.startsWith("10.64.2.") && { status: { used: 1, free: 255 } }),
    });
  }
  await own.store.create(ipInstanceKind, instance("10.64.2.7", "pods"));
  await own.store.create(ipInstanceKind, instance("10.64.10.7", "pods"));
  expect(await own.done("block list")).toBe(`\
CIDR            NODE   PURPOSE   USED   FREE
10.64.2.0/24    a      Pods      1      255
10.64.10.0/24   a      Pods      -      -
`);
  const shown = await own.done("block show 10.64.2.0/24");
  expect(shown).toContain("Addresses:   1 used, 255 free\n");
  expect(shown).toMatch(/\n {2}10\.64\.2\.7 +shop\/web-0 +Bound\n$/);
});

test("a list that is watched shows an address when it comes, with its gateway", async () => {
  const enough = new AbortController();
  const watching = own.type("ip list --watch", {
    signal: enough.signal,
    onOut: (stdout) => {
      if (stdout.includes("192.168.1.30")) enough.abort();
    },
  });
  await own.done("ip create 192.168.1.30 --subnet lan --pod shop/db");
  const { exitCode, stdout } = await watching;
  expect(exitCode).toBe(130);
  expect(stdout).toMatch(/192\.168\.1\.30 +192\.168\.1\.1 +shop\/db/);
}, 60_000);
