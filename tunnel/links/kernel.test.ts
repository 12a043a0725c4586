import { readFile } from "node:fs/promises";
import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { eventually } from "../../platform/testing/eventually.ts";
import { findTool } from "../../platform/tools.ts";
import { addressLine, observeAddresses, planAddresses } from "../addresses/addresses.ts";
import { ipBatch } from "../ip.ts";
import type { TestNode } from "../testing/namespace.ts";
import { mortal } from "../testing/crash.ts";
import { makeTestNode, pidsIn } from "../testing/namespace.ts";
import { keptSysctls } from "../testing/sysctl-memory.ts";
import { applyLinks } from "./apply.ts";
import { observeLinks } from "./observe.ts";
import type { WantedLink } from "./plan.ts";
import { planLinks } from "./plan.ts";

const WIREGUARD_GO = findTool("wireguard-go", process.env["PATH"] ?? "");
const TUNNEL: WantedLink = { name: "trs0-0", role: "tunnel", mtu: 1400 };
const VXLAN: WantedLink = {
  name: "trsvx",
  role: "vxlan",
  mtu: 1400,
  vxlan: { vni: 5, port: 7076, local: "192.0.2.1", mac: "02:00:00:00:01:00" },
};
const MESH: WantedLink = { name: "trsmesh", role: "mesh" };

let node: TestNode;
beforeAll(async () => {
  node = await makeTestNode("link");
});
afterAll(() => node.remove());

async function sync(want: readonly WantedLink[]) {
  const { put, remove } = planLinks(want, await observeLinks(node.run));
  const applied = [await applyLinks(node.run, put, WIREGUARD_GO), await applyLinks(node.run, remove)];
  return applied.flatMap(({ outcomes }) => outcomes);
}

test("a tunnel device is made once, in a session of its own, and leaves neither process nor socket", async () => {
  const before = await pidsIn(node.name);
  expect((await sync([TUNNEL])).filter(({ error }) => error !== undefined)).toEqual([]);
  expect(await sync([TUNNEL])).toEqual([]);
  const [daemon] = (await pidsIn(node.name)).filter((pid) => !before.includes(pid));
  // proc_pid_stat(5): after the name in parentheses come state, parent, process group, session, terminal
  const [, , , session, terminal] = (await readFile(`/proc/${daemon}/stat`, "utf8")).replace(/^.*\) /, "").split(" ");
  const [, , , ours] = (await readFile("/proc/self/stat", "utf8")).replace(/^.*\) /, "").split(" ");
  expect(session).not.toBe(ours);
  expect(terminal).toBe("0");
  await sync([]);
  await eventually(async () => (await pidsIn(node.name)).length === before.length || (await pidsIn(node.name)));
  expect(await node.run("find", ["/run/wireguard", "-type", "s"])).toBe("");
});

test("addresses of both families on the mesh device are this node's, and may be sources", async () => {
  const addresses = ["10.1.255.1/32", "fd65:1:0:ffff::1/128"];
  await sync([MESH]);
  expect(await observeAddresses(node.run)).toEqual([]);
  const sets = [addresses, ["10.1.255.2/32"], addresses];
  for (const want of sets) {
    const { put, remove } = planAddresses(want, await observeAddresses(node.run));
    expect(
      (await ipBatch(node.run, [...put, ...remove].map(addressLine))).filter(({ error }) => error !== undefined),
    ).toEqual([]);
    expect((await observeAddresses(node.run)).toSorted()).toEqual(want.toSorted());
  }
  for (const address of ["10.1.255.1", "fd65:1:0:ffff::1"]) {
    await node.run("ping", ["-c", "1", "-W", "5", "-I", address, address]);
  }
  expect(await sync([MESH])).toEqual([]);
  await sync([]);
});

test("a name that another device has is refused in so many words, and that device stays", async () => {
  await node.run("ip", ["link", "add", "dev", "trs0-0", "type", "bridge"]);
  expect(await sync([TUNNEL])).toEqual([
    { step: "link refuse trs0-0", error: expect.stringContaining("of kind bridge, and not ours"), obstacle: true },
  ]);
  await sync([]);
  expect(await node.run("ip", ["-o", "link", "show", "dev", "trs0-0"])).toContain("trs0-0");
  await node.run("ip", ["link", "delete", "dev", "trs0-0"]);
});

test("without WireGuard in the kernel and without wireguard-go the failure is told once", async () => {
  const { outcomes } = await applyLinks(node.run, planLinks([TUNNEL], await observeLinks(node.run)).put);
  const made = (await observeLinks(node.run)).some(({ kind }) => kind === "wireguard");
  expect(outcomes).toHaveLength(made ? 5 : 1);
  await sync([]);
});

test("a process that ends right after it made a device leaves it marked", async () => {
  const want = [TUNNEL, VXLAN, MESH];
  for (let steps = 1, died = true; died; steps += 1) {
    const maker = mortal(node.run, keptSysctls(), steps);
    await applyLinks(maker.run, planLinks(want, await observeLinks(node.run)).put, WIREGUARD_GO);
    const made = (await observeLinks(node.run)).filter(({ name }) => want.some((link) => link.name === name));
    expect({ steps, unmarked: made.filter(({ alias }) => alias !== "trestle") }).toEqual({ steps, unmarked: [] });
    await sync([]);
    died = maker.died();
  }
});
