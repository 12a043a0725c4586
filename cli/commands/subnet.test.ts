import { afterAll, afterEach, beforeAll, beforeEach, expect, test } from "@jest/globals";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { subnetKind } from "../../crds/subnet.ts";
import type { Subnet } from "../../mesh/ipam/resources.ts";
import { instance } from "../../mesh/ipam/testing/objects.ts";
import { startOwnStore } from "../testing/own-store.ts";
import type { OwnStore } from "../testing/own-store.ts";

let own: OwnStore;
beforeAll(async () => {
  own = await startOwnStore();
}, 60_000);
beforeEach(() => own.done("network create overlay --type Overlay", "network create lan --type Underlay"));
afterEach(() => own.clear());
afterAll(() => own?.remove());

const LAN =
  "subnet create lan --network lan --cidr 192.168.1.0/24 --range 192.168.1.100-192.168.1.199 --gateway 192.168.1.1 --exclude 192.168.1.120,192.168.1.130-192.168.1.139";

async function stored(name: string): Promise<Subnet> {
  const found = await own.store.get(subnetKind, name);
  if (found === undefined) throw new Error(`there is no Subnet "${name}"`);
  return found;
}

test("a Subnet is created, listed, shown and deleted", async () => {
  const created = await own.done(
    LAN,
    "subnet create pods --network overlay --cidr 10.64.0.0/16 --block-size 26 --private --disabled --reserve 10.64.0.9 --masquerade false",
    "subnet create six --network overlay --cidr fd00:64::/112 --node-selector rack=1",
  );
  expect(created).toBe("subnet/lan created\nsubnet/pods created\nsubnet/six created\n");
  const lan = await stored("lan");
  const at = { message: "", lastTransitionTime: "2026-11-21T12:00:00Z" };
  const conditions = [
    { type: "Valid", status: "True", reason: "KeepsTheRules", ...at },
    { type: "Announced", status: "False", reason: "NotAnnounced", ...at },
  ] as const;
  await own.store.updateStatus(subnetKind, { ...lan, status: { total: 89, used: 89, available: 0, conditions } });
  expect(await own.done("subnet list")).toBe(`\
NAME   VERSION   CIDR             START           END             GATEWAY       TOTAL   USED   AVAILABLE   NETWORK
lan    4         192.168.1.0/24   192.168.1.100   192.168.1.199   192.168.1.1   89      89     0           lan
pods   4         10.64.0.0/16     10.64.0.1       10.64.255.254   -             -       -      -           overlay
six    6         fd00:64::/112    fd00:64::1      fd00:64::ffff   -             -       -      -           overlay
`);
  const [head, ...rows] = (await own.done("subnet list --output wide")).split("\n").map((line) => line.split(/ {3,}/));
  expect(head?.slice(10).join(" ")).toBe("BLOCK-SIZE PRIVATE DISABLED EXCLUDED RESERVED NODE-SELECTOR CONDITIONS AGE");
  expect(rows.slice(0, 3).map((row) => row.slice(10, 17))).toEqual([
    ["-", "no", "no", "192.168.1.120,192.168.1.130-192.168.1.139", "-", "all nodes", "NotAnnounced"],
    ["/26 (64)", "yes", "yes", "-", "10.64.0.9", "all nodes", "-"],
    ["-", "no", "no", "-", "-", "rack=1", "-"],
  ]);
  expect(await own.done("subnet show lan")).toContain("Addresses:    0 available, 89 used, 89 in all\n");
  expect(await own.done("subnet show pods")).toContain("Private:      yes: only for pods that name it\n");
  expect(await own.done("subnet show pods")).toContain("Masquerade:   never\n");
  expect(await own.done("subnet delete lan")).toBe("subnet/lan deleted\n");
});

test("a Subnet is shown with what is usual of its Network where it says nothing", async () => {
  await own.done(
    LAN,
    "subnet create pods --network overlay --cidr 10.64.0.0/16 --masquerade true",
    "subnet create six --network overlay --cidr fd00:64::/122",
  );
  const lan = await own.done("subnet show lan");
  expect(lan).toContain("Masquerade:   never (usual of an underlay)\n");
  expect(lan).not.toContain("Node block");
  const pods = await own.done("subnet show pods");
  expect(pods).toContain("Masquerade:   on the way out of the mesh\n");
  expect(pods).toContain("Node block:   /24 (256)\n");
  const six = await own.done("subnet show six");
  expect(six).toContain("Masquerade:   on the way out of the mesh (usual of an overlay)\n");
  expect(six).toContain("Node block:   /126 (4)\n");
});

test("a Subnet begins and ends with addresses that may be issued", async () => {
  await own.done(
    "subnet create lan --network lan --cidr 192.168.1.0/29 --gateway 192.168.1.1 --exclude 192.168.1.5-192.168.1.7 --reserve 192.168.1.4",
    "subnet create none --network lan --cidr 192.168.2.0/29 --exclude 192.168.2.0-192.168.2.7",
  );
  expect(await own.done("subnet list")).toMatch(/^lan +4 +192\.168\.1\.0\/29 +192\.168\.1\.2 +192\.168\.1\.4 /m);
  expect(await own.done("subnet show lan")).toMatch(/^Range: +192\.168\.1\.2 to 192\.168\.1\.4$/m);
  expect(await own.done("subnet show none")).toMatch(/^Range: +192\.168\.2\.0 to 192\.168\.2\.7$/m);
});

test("what may be changed of a Subnet is, and the rest stays", async () => {
  await own.done(LAN);
  const before = await stored("lan");
  expect(await own.done("subnet update lan --exclude none --reserve 192.168.1.150 --private true")).toBe(
    "subnet/lan updated\n",
  );
  expect((await stored("lan")).spec).toEqual({
    ...before.spec,
    excludeIPs: [],
    reservedIPs: ["192.168.1.150"],
    private: true,
  });
  await own.done("subnet update lan --private false --reserve none --masquerade true --node-selector rack=1");
  expect((await stored("lan")).spec).toMatchObject({
    private: false,
    reservedIPs: [],
    masquerade: true,
    nodeSelector: { rack: "1" },
  });
  await own.done("subnet update lan --masquerade usual");
  expect((await stored("lan")).spec.masquerade).toBeUndefined();
});

test("a Subnet is disabled and enabled", async () => {
  await own.done(LAN);
  expect(await own.done("subnet disable lan")).toBe("subnet/lan disabled\n");
  expect((await stored("lan")).spec.disabled).toBe(true);
  expect(await own.done("subnet enable lan")).toBe("subnet/lan enabled\n");
  expect((await stored("lan")).spec.disabled).toBe(false);
});

test("Networks and Subnets are applied from a file", async () => {
  const stdin = `
apiVersion: trestle.dev/v1alpha1
kind: Subnet
metadata: { name: lan }
spec: { network: lan, cidr: 192.168.1.0/24, gateway: 192.168.1.1, private: true }
`;
  expect((await own.type("apply -f -", { stdin })).stdout).toBe("subnet/lan created\n");
  expect((await own.type("apply -f -", { stdin: stdin.replace(", private: true", "") })).stdout).toBe(
    "subnet/lan configured\n",
  );
  expect((await own.type("apply -f -", { stdin: stdin.replace("1.1,", "1.2,") })).stderr).toContain("spec.gateway");
});

test.each([
  [
    "subnet create more --network none --cidr 10.0.0.0/24",
    'Network "none", which does not exist; there are: lan, overlay',
  ],
  ["subnet create more --network lan --cidr 192.168.0.0/16", 'overlaps 192.168.1.0/24 of Subnet "lan"'],
  ["subnet create lan --network lan --cidr 192.168.2.0/24", 'there is a Subnet "lan" already'],
  ["subnet create more --network lan --cidr 10.0.0.1/24", "--cidr: 10.0.0.1/24 has host bits set; did you mean"],
  ["subnet create More --network lan --cidr 10.0.0.1/24 --gateway x", "3 faults, nothing was changed:\n"],
  ["subnet create more --network lan --cidr 10.0.0.0/24 --block-size 26", "leave blockSize away"],
  ["subnet update lan --exclude 192.168.1.110", "can't exclude 192.168.1.110 (of shop/web-0)"],
  [
    "subnet update lan --exclude 10.0.0.1",
    "--exclude: 10.0.0.1 does not lie inside 192.168.1.0/24; nothing was changed",
  ],
  ["subnet update none --private true", 'there is no Subnet "none"; there is lan'],
  ["subnet disable none", 'there is no Subnet "none"; there is lan'],
  [
    "subnet delete lan",
    'Subnet "lan" still has addresses in use (1, of which 0 retained), e.g. 192.168.1.110 (of shop/web-0)',
  ],
  ["subnet show none", 'there is no Subnet "none"; there is lan'],
])("`trestle %s` is refused, and nothing is changed", async (line, message) => {
  await own.done(LAN);
  await own.store.create(ipInstanceKind, instance("192.168.1.110", "lan", { network: "lan" }));
  const before = await own.everything();
  const { exitCode, stdout, stderr } = await own.type(line);
  expect({ exitCode, stdout }).toEqual({ exitCode: 1, stdout: "" });
  expect(stderr).toContain(message);
  expect(await own.everything()).toEqual(before);
});
