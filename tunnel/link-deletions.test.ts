import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { randomBytes } from "node:crypto";
import { systemClock } from "../platform/clock.ts";
import { runner } from "../platform/run.ts";
import { eventually } from "../platform/testing/eventually.ts";
import { LinkDeletions, deletedDevice } from "./link-deletions.ts";
import type { TestNode } from "./testing/namespace.ts";
import { makeTestNode } from "./testing/namespace.ts";

test.each([
  [
    "Deleted 27: tp0@NONE: <BROADCAST,MULTICAST> mtu 1420 qdisc noop state DOWN group default \\    link/ether …",
    "tp0",
  ],
  ["Deleted 27: tp0@if2: <BROADCAST,MULTICAST> mtu 1420 qdisc noop state DOWN group default ", "tp0"],
  ["Deleted 5: trs0-0: <POINTOPOINT> mtu 1420 qdisc noop state DOWN group default ", "trs0-0"],
  ["27: tp0@NONE: <BROADCAST,MULTICAST> mtu 1420 qdisc noqueue state DOWN group default ", undefined],
  ["Deleted 27: tp0    inet 169.254.1.1/32 scope host tp0\\       valid_lft forever preferred_lft forever", undefined],
  ["Deleted 10.64.0.1 dev tp0 lladdr 02:00:00:00:00:01 PERMANENT", undefined],
])("%j tells of the deletion of %p", (line, device) => {
  expect(deletedDevice(line)).toBe(device);
});

let node: TestNode;
const stop = new AbortController();
const deletions = new LinkDeletions();
let listening: Promise<void>;
beforeAll(async () => {
  node = await makeTestNode("deletions");
  listening = deletions.listen({ prefix: node.prefix, clock: systemClock }, stop.signal);
});
afterAll(async () => {
  stop.abort();
  await listening;
  await node?.remove();
});

const present = async (device: string): Promise<boolean> =>
  (await node.run("ip", ["-o", "link", "show"])).includes(`: ${device}`);

test("a device is gone once the kernel says so, whatever the program that deletes it still waits for", async () => {
  const device = `tp${randomBytes(4).toString("hex")}`;
  const never = new Promise<void>(() => undefined);
  // A monitor takes a moment to listen.
  await eventually(async () => {
    await node.run("ip", ["link", "add", device, "type", "veth", "peer", "name", "other"]);
    let isTold = false;
    void deletions.orEnd(device, never).then(() => (isTold = true));
    expect(isTold).toBe(false);
    await node.run("ip", ["link", "delete", device]);
    return isTold;
  });
  expect(await present(device)).toBe(false);
});

test("the deletion of another device is not taken for it", async () => {
  await node.run("ip", ["link", "add", "stays", "type", "bridge"]);
  const ended = Promise.withResolvers<void>();
  const order: string[] = [];
  const waiting = deletions.orEnd("stays", ended.promise).then(() => order.push("stays"));
  await node.run("ip", ["link", "add", "goes", "type", "bridge"]);
  await deletions.orEnd(
    "goes",
    node.run("ip", ["link", "delete", "goes"]).then(() => undefined),
  );
  order.push("goes");
  ended.resolve();
  await waiting;
  expect(order).toEqual(["goes", "stays"]);
});

test("while nobody listens the program's end tells, and its failure is what it fails with", async () => {
  const deaf = new LinkDeletions();
  const deleted = runner(node.prefix)("ip", ["link", "delete", "stays"]).then(() => undefined);
  await deaf.orEnd("stays", deleted);
  expect(await present("stays")).toBe(false);
  await expect(deaf.orEnd("stays", Promise.reject(new Error("no such device")))).rejects.toThrow("no such device");
});
