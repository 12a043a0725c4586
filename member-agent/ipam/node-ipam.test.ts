import { afterEach, beforeEach, expect, test } from "@jest/globals";
import { readFile } from "node:fs/promises";
import path from "node:path";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { ANNOTATIONS } from "../../mesh/ipam/annotations.ts";
import { instance, subnetSpec } from "../../mesh/ipam/testing/objects.ts";
import { objectNameOfAddress, objectNameOfCidr } from "../../mesh/names.ts";
import { runner } from "../../platform/run.ts";
import { eventually } from "../../platform/testing/eventually.ts";
import { openStateFolder } from "../../platform/state-folder.ts";
import { AddressCluster, attachmentOf, factsOf } from "../testing/address-node.ts";
import { silent } from "../testing/folder.ts";
import { attachmentKey } from "./binding.ts";
import { AddressBook } from "./book.ts";

/** One block of six addresses on each family, and eight of which four are by name. */
const SIX = { pods: subnetSpec("10.0.0.0/29", { blockSize: 29 }) };

let cluster: AddressCluster;
beforeEach(() => {
  cluster = undefined as unknown as AddressCluster;
});
afterEach(() => cluster?.remove());

const instances = async () => (await cluster.store.list(ipInstanceKind)).map(({ spec }) => spec);
const stored = async (): Promise<Record<string, string>> =>
  Object.fromEntries((await instances()).map(({ address, attachment }) => [address, attachment?.sandbox ?? "kept"]));

test("the same attachment is told the same again, and a new sandbox of its pod too", async () => {
  cluster = await AddressCluster.open({ ...SIX, six: subnetSpec("fd00::/125", { blockSize: 125 }) });
  const a = await cluster.node("a");
  const first = await a.add(factsOf("web"), "s1");
  expect(first).toEqual(["10.0.0.1", "fd00::1"]);
  expect(await a.add(factsOf("web"), "s1")).toEqual(first);
  expect(await a.add(factsOf("web"), "s2")).toEqual(first);
  await a.del("s1");
  expect(a.booked).toEqual({ "10.0.0.1": "s2", "fd00::1": "s2" });
  await eventually(async () => (await stored())["10.0.0.1"] === "s2");
  await a.del("s2");
  await a.del("s2");
  expect(a.booked).toEqual({});
  await eventually(async () => (await instances()).length === 0);
});

test("a new sandbox that comes while the old one's DEL is under way shares its address with nobody", async () => {
  cluster = await AddressCluster.open(SIX);
  const a = await cluster.node("a");
  for (const name of ["p1", "p2", "p3", "p4", "p5", "p6"]) await a.add(factsOf(name), `${name}.1`);
  const del = a.del("p1.1");
  for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  const again = a.add(factsOf("p1"), "p1.2");
  const other = del.then(() => a.add(factsOf("p7"), "p7.1"));
  const answers = await Promise.allSettled([again, other]);
  const given = answers.flatMap((answer) => (answer.status === "fulfilled" ? answer.value : []));
  expect(given).toEqual(["10.0.0.1"]);
  expect(Object.keys(a.booked)).toHaveLength(6);
});

test("an ADD that is asked again while its orphan is freed has an address of its own", async () => {
  cluster = await AddressCluster.open(SIX);
  const a = await cluster.node("a");
  await a.add(factsOf("web"), "s1");
  a.wires.clear();
  const pass = a.ipam.reconcile();
  for (let turns = 0; turns < 5; turns += 1) await Promise.resolve();
  const addresses = await a.add(factsOf("web"), "s1");
  await pass;
  expect(a.booked).toEqual({ [addresses[0] ?? ""]: "s1" });
  expect(await a.add(factsOf("other"), "s2")).not.toEqual(addresses);
});

test("a wire that is made after a look for orphans is no orphan, however soon its ADD was done", async () => {
  cluster = await AddressCluster.open(SIX);
  let looked = (): void => undefined;
  let answer = Promise.resolve();
  const a = await cluster.node("a", {
    onLook: () => {
      looked();
      return answer;
    },
  });
  const given = await a.add(factsOf("web"), "s1");
  a.wires.clear();
  const late = Promise.withResolvers<void>();
  const begun = Promise.withResolvers<void>();
  [looked, answer] = [begun.resolve, late.promise];
  const pass = a.ipam.reconcile();
  await begun.promise;
  expect(await a.add(factsOf("web"), "s1")).toEqual(given);
  late.resolve();
  await pass;
  expect(a.booked).toEqual({ [given[0] ?? ""]: "s1" });
});

test("the LAN is answered for an orphan's address no more before that is given back", async () => {
  cluster = await AddressCluster.open({ hall: subnetSpec("192.168.1.0/29", { network: "lan" }) });
  const atCut: unknown[] = [];
  const a = await cluster.node("a", { onCut: () => atCut.push(a.booked) });
  const onLan = { [ANNOTATIONS.networkType]: "Underlay" };
  const [address = ""] = await a.add(factsOf("web-0", onLan, "web"), "s1");
  await eventually(async () => (await stored())[address] === "s1");
  a.wires.clear();
  await a.ipam.reconcile();
  expect(atCut).toEqual([{ [address]: "s1" }]);
  await eventually(async () => (await stored())[address] === "kept");
});

test("what a wire of the former sandbox still has is cut off before it is free: its pod never got the new one", async () => {
  cluster = await AddressCluster.open(SIX);
  const a = await cluster.node("a");
  const [address = ""] = await a.add(factsOf("web"), "s1");
  await a.ipam.allocate(factsOf("web"), attachmentOf("s2"));
  // Killed before the former wire makes way.
  await a.stop();
  const again = await cluster.node("a", { wires: [...a.wires.values()] });
  await again.ipam.reconcile();
  expect(again.booked).toEqual({});
  expect([...again.wires.values()]).toEqual([{ attachment: attachmentOf("s1"), addresses: [] }]);
  expect(again.cut).toEqual([address]);
});

test("a member that has left gives nothing, and begins anew where it joins again", async () => {
  cluster = await AddressCluster.open(SIX);
  const a = await cluster.node("a");
  await a.add(factsOf("web"), "s1");
  await a.ipam.stop();
  await expect(a.add(factsOf("other"), "s2")).rejects.toMatchObject({ code: "starting", retry: true });
  await a.del("s1");
  expect([a.ipam.blocks, a.booked]).toEqual([[], {}]);
  await a.follow();
  expect(await a.add(factsOf("other"), "s2")).toHaveLength(1);
});

test("a pod of two interfaces keeps what each had, though they come and go one by one", async () => {
  cluster = await AddressCluster.open(SIX);
  const a = await cluster.node("a");
  const add = async (sandbox: string, name: string): Promise<readonly string[]> => {
    const facts = factsOf("web-0", {}, "web");
    const attachment = { sandbox, interface: name };
    const { bindings } = await a.ipam.allocate({ ...facts, pod: { ...facts.pod, uid: sandbox } }, attachment);
    a.ipam.settle(attachment);
    const addresses = bindings.map(({ address }) => address);
    a.wires.set(attachmentKey(attachment), { attachment, addresses });
    return addresses;
  };
  const both = [...(await add("s1", "eth0")), ...(await add("s1", "net1"))];
  expect(both).toEqual(["10.0.0.1", "10.0.0.2"]);
  for (const name of ["eth0", "net1"]) await a.ipam.release({ sandbox: "s1", interface: name });
  a.wires.clear();
  await eventually(async () => Object.values(await stored()).every((sandbox) => sandbox === "kept"));
  expect(await add("s2", "net1")).toEqual(["10.0.0.2"]);
  await a.ipam.reconcile();
  await eventually(async () => (await stored())["10.0.0.2"] === "s2");
  expect(await add("s2", "eth0")).toEqual(["10.0.0.1"]);
});

test("what a crash leaves of giving back several addresses is all of them or none", async () => {
  const six = subnetSpec("fd00::/124", { blockSize: 126, reservedIPs: ["fd00::9"] });
  cluster = await AddressCluster.open({
    pods: subnetSpec("10.0.0.0/29", { blockSize: 29, reservedIPs: ["10.0.0.6"] }),
    six,
  });
  const a = await cluster.node("a");
  await a.add(factsOf("web", { [ANNOTATIONS.subnet]: "pods" }), "s1");
  // The first lies in a block of this node's, and is held; the other does not.
  expect(await a.add(factsOf("db-0", { [ANNOTATIONS.ip]: "10.0.0.6,fd00::9" }, "db"), "s2")).toHaveLength(2);
  await a.del("s2");
  const lines = (await readFile(path.join(cluster.root, "a", "ipam.journal"), "utf8")).split("\n").slice(0, -1);
  const left: number[] = [];
  for (let end = 1; end <= lines.length; end += 1) {
    const folder = await openStateFolder(path.join(cluster.root, `cut-${end}`), silent);
    await folder.writeText("ipam.journal", `${lines.slice(0, end).join("\n")}\n`);
    const book = await AddressBook.open(folder, silent);
    left.push(book.of(attachmentOf("s2")).length);
    await book.close();
  }
  expect(new Set(left)).toEqual(new Set([0, 2]));
  expect(left.at(-1)).toBe(0);
});

test("all or nothing: where one family is used up the other is given back, and the message names the first", async () => {
  const six = subnetSpec("fd00::/125", { blockSize: 125, range: { start: "fd00::1", end: "fd00::1" } });
  cluster = await AddressCluster.open({ ...SIX, six });
  const a = await cluster.node("a");
  await a.add(factsOf("first"), "s1");
  await expect(a.add(factsOf("second"), "s2")).rejects.toMatchObject({
    code: "addresses-exhausted",
    message: expect.stringMatching(/no IPv6 address .*shop\/second.*six/),
  });
  await expect(a.add(factsOf("set-0", {}, "set"), "s3")).rejects.toMatchObject({ code: "addresses-exhausted" });
  expect(a.booked).toEqual({ "10.0.0.1": "s1", "fd00::1": "s1" });
  await eventually(async () => Object.keys(await stored()).length === 2);
  await a.del("s1");
  expect(await a.add(factsOf("third"), "s4")).toHaveLength(2);
});

test("an ADD that the disk refuses leaves nothing, in whichever family and in the store", async () => {
  const four = subnetSpec("10.0.0.0/24", { blockSize: 24 });
  cluster = await AddressCluster.open({ four, six: subnetSpec("fd00::/120", { blockSize: 120 }) });
  const disk = path.join(cluster.root, "a");
  const run = runner();
  await run("mkdir", [disk]);
  await run("mount", ["-t", "tmpfs", "-o", "size=64k,mode=700", "tmpfs", disk]);
  try {
    const a = await cluster.node("a");
    await a.add(factsOf("db-0", {}, "db"), "db-0");
    await run("sh", ["-c", `head -c 1M /dev/zero > ${disk}/ballast 2>/dev/null || true`]);
    const fill = async (): Promise<void> => {
      for (let n = 0; n < 100; n += 1) await a.add(factsOf(`web-${n}`, {}, "web"), `web-${n}`);
    };
    await expect(fill()).rejects.toMatchObject({ code: "journal-failed", retry: true });
    const count = Object.keys(a.booked).length;
    expect((await instances()).length).toBe(count);
    await run("rm", [`${disk}/ballast`]);
    expect(await a.add(factsOf("db-1", {}, "db"), "db-1")).toHaveLength(2);
    expect(await a.add(factsOf("db-0", {}, "db"), "db-0")).toEqual(["10.0.0.1", "fd00::1"]);
  } finally {
    await run("umount", ["--lazy", disk]);
  }
});

test("of a block whose claim was never answered nothing is issued that others have of it", async () => {
  cluster = await AddressCluster.open(SIX);
  const a = await cluster.node("a");
  await cluster.store.create(ipInstanceKind, {
    metadata: { name: objectNameOfAddress("10.0.0.1") },
    spec: { ...instance("10.0.0.1", "pods", { retained: true }).spec, node: undefined, attachment: undefined },
  });
  await cluster.store.create(ipBlockKind, {
    metadata: { name: objectNameOfCidr("10.0.0.0/29") },
    spec: { cidr: "10.0.0.0/29", node: "a", purpose: "Pods" },
  });
  await a.follow();
  expect(await a.add(factsOf("plain"), "s1")).toEqual(["10.0.0.2"]);
});

test("a node that lost its disk issues nothing that it had lent, that its pods have, or that others retain", async () => {
  cluster = await AddressCluster.open(SIX);
  const a = await cluster.node("a");
  expect(await a.add(factsOf("web"), "s1")).toEqual(["10.0.0.1"]);
  expect(await a.add(factsOf("set-0", {}, "set"), "s2")).toEqual(["10.0.0.2"]);
  await a.del("s2");
  await eventually(async () => (await stored())["10.0.0.2"] === "kept");
  // Lent, and not yet claimed by who borrowed it.
  await cluster.store.create(ipBlockKind, {
    metadata: { name: objectNameOfCidr("10.0.0.3/32") },
    spec: { cidr: "10.0.0.3/32", node: "b", purpose: "Pods" },
    status: { used: 1, free: 0 },
  });
  await a.stop();
  const again = await cluster.node("a", { disk: "new", wires: [...a.wires.values()] });
  expect(again.booked).toEqual({ "10.0.0.1": "s1" });
  expect(await again.add(factsOf("plain"), "s3")).toEqual(["10.0.0.4"]);
  expect(await again.add(factsOf("set-0", {}, "set"), "s4")).toEqual(["10.0.0.2"]);
});

test("a pod that has lost its addresses while it asked is told to ask again, for its wishes are not known", async () => {
  cluster = await AddressCluster.open({ ...SIX, hall: subnetSpec("192.168.1.0/29", { network: "lan" }) });
  const a = await cluster.node("a");
  await a.add(factsOf("web", { [ANNOTATIONS.networkType]: "Underlay" }), "s1");
  const orphan = a.ipam.release(attachmentOf("s1"));
  const known = a.ipam.podOf(attachmentOf("s2"), factsOf("web").pod);
  await expect(a.ipam.allocate(known ?? factsOf("web"), attachmentOf("s2"))).rejects.toMatchObject({
    code: "pod-changed",
    retry: true,
  });
  await orphan;
});

test("addresses of a LAN that others had, and gave back, without this node's hearing of it are issued again", async () => {
  cluster = await AddressCluster.open({
    hall: subnetSpec("192.168.1.0/24", { network: "lan", range: { start: "192.168.1.64", end: "192.168.1.66" } }),
  });
  let isDeaf = false;
  const pause = async (): Promise<void> => {
    if (isDeaf) throw new Error("lost");
  };
  const [a, b] = [await cluster.node("a", { pause }), await cluster.node("b")];
  const onLan = { [ANNOTATIONS.network]: "lan" };
  const deafTo = async (act: (sandbox: string) => Promise<unknown>): Promise<void> => {
    isDeaf = true;
    await Promise.all(["s1", "s2", "s3"].map(act));
  };
  await deafTo((sandbox) => b.add(factsOf(sandbox, onLan), sandbox));
  isDeaf = false;
  await expect(a.add(factsOf("pod", onLan), "pod")).rejects.toMatchObject({ code: "addresses-exhausted" });
  await deafTo((sandbox) => b.del(sandbox));
  await eventually(async () => (await instances()).length === 0);
  isDeaf = false;
  await a.ipam.reconcile();
  expect(await a.add(factsOf("pod", onLan), "pod")).toHaveLength(1);
});

test("a Subnet that needs a silent store keeps nobody from the own block of the next", async () => {
  const two = { s1: subnetSpec("10.0.0.0/29", { blockSize: 29 }), s2: subnetSpec("10.0.1.0/29", { blockSize: 29 }) };
  cluster = await AddressCluster.open(two);
  const a = await cluster.node("a");
  const add = (name: string) => a.add(factsOf(name), name);
  for (let n = 1; n <= 7; n += 1) await add(`p${n}`);
  a.client.silence();
  expect(await add("p8")).toEqual(["10.0.1.2"]);
  for (let n = 9; n <= 12; n += 1) await add(`p${n}`);
  await expect(add("p13")).rejects.toMatchObject({ code: "store-unreachable", retry: true });
  await expect(a.add(factsOf("web-0", {}, "web"), "web-0")).rejects.toMatchObject({ code: "store-unreachable" });
});
