import { createPrivateKey, createPublicKey } from "node:crypto";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { findTool } from "../../platform/tools.ts";
import { applyLinks } from "../links/apply.ts";
import type { WireGuardInterface } from "../state.ts";
import type { TestNode } from "../testing/namespace.ts";
import { makeTestNode } from "../testing/namespace.ts";
import { genKey, pubKey } from "./keys.ts";
import { observeWireGuard } from "./observe.ts";
import type { EndpointMemory } from "./sync.ts";
import { syncWireGuard } from "./sync.ts";

const NOW = 1_795_250_000;
let node: TestNode;
let device: WireGuardInterface;

beforeAll(async () => {
  node = await makeTestNode("wg");
  const create = { op: "create", name: "trs0-0", role: "tunnel" } as const;
  await applyLinks(node.run, [create], findTool("wireguard-go", process.env["PATH"] ?? ""));
  device = {
    name: "trs0-0",
    privateKey: await genKey(node.run),
    listenPort: 51820,
    fwmark: 0x7e5,
    mtu: 1420,
    peers: [],
  };
});
afterAll(() => node.remove());

/** Takes away what is to go right after the rest. */
async function sync(want: WireGuardInterface, memory: EndpointMemory) {
  const { outcomes, remove } = await syncWireGuard(node.run, want, memory, NOW, true);
  return [...outcomes, ...(await remove())];
}

/** Distinct public keys, without starting a program for each. */
function peersNumbered(count: number): WireGuardInterface["peers"] {
  return Array.from({ length: count }, (_, index) => {
    const cluster = `${index >> 8}.${index & 255}`;
    const key = Buffer.alloc(32, 7);
    key.writeUInt32BE(index + 1, 0);
    return {
      publicKey: key.toString("base64"),
      endpoint: `192.0.2.${index & 255}:51820`,
      allowedIPs: [`10.${cluster}.0/24`, `fd65:${index.toString(16)}::/48`].map((cidr) =>
        cidr.replace(/^(fd65):0::/, "$1::"),
      ),
      persistentKeepalive: 0,
    };
  });
}

test("a public key is that of its private key", async () => {
  const der = Buffer.concat([
    Buffer.from("302e020100300506032b656e04220420", "hex"),
    Buffer.from(device.privateKey, "base64"),
  ]);
  const key = createPublicKey(createPrivateKey({ key: der, format: "der", type: "pkcs8" }));
  const expected = key.export({ format: "der", type: "spki" }).subarray(-32).toString("base64");
  expect(await pubKey(node.run, device.privateKey)).toBe(expected);
});

test("a thousand peers arrive at once, then one goes and nothing else is touched", async () => {
  const memory: EndpointMemory = new Map();
  const many = { ...device, peers: peersNumbered(1000) };
  const outcomes = await sync(many, memory);
  expect(outcomes.filter(({ error }) => error !== undefined)).toEqual([]);
  expect(JSON.stringify(outcomes)).not.toContain(device.privateKey);
  const observed = await observeWireGuard(node.run, "trs0-0");
  expect(observed).toMatchObject({
    privateKey: device.privateKey,
    publicKey: await pubKey(node.run, device.privateKey),
    listenPort: 51820,
    fwmark: 0x7e5,
  });
  expect(observed.peers).toHaveLength(1000);
  expect(await sync(many, memory)).toEqual([]);
  const fewer = { ...many, peers: many.peers.slice(1) };
  expect(await sync(fewer, memory)).toEqual([{ step: `wg set trs0-0 peer ${many.peers[0]?.publicKey} remove` }]);
});

test("one peer that is refused does not keep out the others, and it alone stays due", async () => {
  const memory: EndpointMemory = new Map();
  const [first, second] = peersNumbered(2);
  if (first === undefined || second === undefined) throw new Error("no peers");
  const want = { ...device, peers: [{ ...first, publicKey: "not a key" }, second] };
  const outcomes = await sync(want, memory);
  expect(outcomes.filter(({ error }) => error !== undefined).map(({ step }) => step)).toEqual([
    expect.stringContaining("not a key"),
  ]);
  expect((await observeWireGuard(node.run, "trs0-0")).peers.map(({ publicKey }) => publicKey)).toEqual([
    second.publicKey,
  ]);
  const moved = { ...second, endpoint: "192.0.2.200:51820" };
  expect(memory.get("trs0-0")).toEqual(new Map([[second.publicKey, second.endpoint]]));
  await sync({ ...device, peers: [{ ...first, publicKey: "not a key" }, moved] }, memory);
  expect(memory.get("trs0-0")).toEqual(new Map([[second.publicKey, moved.endpoint]]));
});

test("a device that is not there is an error that names it", async () => {
  await expect(observeWireGuard(node.run, "trs9-9")).rejects.toThrow(/wg show trs9-9 dump/);
});
