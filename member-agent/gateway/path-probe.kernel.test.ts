import { afterAll, beforeAll, expect, test } from "@jest/globals";
import { spawn } from "node:child_process";
import type { ChildProcess } from "node:child_process";
import { fileURLToPath } from "node:url";
import { eventually } from "../../platform/testing/eventually.ts";
import { connect, makeTestNode } from "../../tunnel/testing/namespace.ts";
import type { TestNode } from "../../tunnel/testing/namespace.ts";

const PROGRAM = fileURLToPath(new URL("testing/probe-program.ts", import.meta.url));
const EAST = "100.64.4.2";
const WEST = "100.64.8.2";

let east: TestNode;
let router: TestNode;
let west: TestNode;
const children: ChildProcess[] = [];
beforeAll(async () => {
  east = await makeTestNode("probe-e");
  router = await makeTestNode("probe-r");
  west = await makeTestNode("probe-w");
  await connect([east, ["192.0.2.1/24"]], [west, ["192.0.2.2/24"]]);
  for (const [node, other] of [
    [east, "192.0.2.2"],
    [west, "192.0.2.1"],
  ] as const) {
    await node.run("ip", ["route", "add", "100.64.0.0/16", "via", other]);
  }
});
afterAll(async () => {
  for (const child of children) child.kill("SIGKILL");
  for (const node of [east, router, west]) await node?.remove();
});

/** Starts the probe of one side; the function it resolves with counts the proofs so far. */
function probeFrom(node: TestNode, from: string, to: string): () => number {
  const command: readonly string[] = [...node.prefix, process.execPath, PROGRAM, from, to];
  const [file = "", ...rest] = command;
  const child = spawn(file, rest, { stdio: ["ignore", "pipe", "inherit"] });
  children.push(child);
  let proofs = 0;
  child.stdout.setEncoding("utf8").on("data", (text: string) => (proofs += text.split("\n").length - 1));
  return () => proofs;
}

test("a path is proven as soon as both health addresses are there, and a detour through a router proves nothing", async () => {
  const eastProofs = probeFrom(east, EAST, WEST);
  const westProofs = probeFrom(west, WEST, EAST);
  await west.run("ip", ["address", "add", `${WEST}/32`, "dev", "lo"]);
  await east.run("ip", ["address", "add", `${EAST}/32`, "dev", "lo"]);
  await eventually(() => (eastProofs() > 1 && westProofs() > 1) || [eastProofs(), westProofs()]);

  // West's address moves behind a router: a packet that passes it is one that found another way.
  await west.run("ip", ["link", "delete", "dev", "eth0"]);
  await connect([east, ["192.0.2.1/24"]], [router, ["192.0.2.2/24"]]);
  await east.run("ip", ["route", "replace", "100.64.0.0/16", "via", "192.0.2.2"]);
  await router.run("sysctl", ["-qw", "net.ipv4.ip_forward=1"]);
  await router.run("ip", ["link", "set", "dev", "eth0", "name", "to-east"]);
  await connect([router, ["198.51.100.1/24"]], [west, ["198.51.100.2/24"]]);
  await router.run("ip", ["route", "add", WEST, "via", "198.51.100.2"]);
  await router.run("ip", ["route", "add", EAST, "via", "192.0.2.1"]);
  await west.run("ip", ["route", "replace", "100.64.0.0/16", "via", "198.51.100.1"]);
  await eventually(async () => {
    await east.run("ping", ["-c", "1", "-W", "1", "-I", EAST, WEST]);
    return true;
  });
  const before = eastProofs();
  const expired = async (): Promise<number> =>
    Number((await router.run("nstat", ["-asz", "IcmpOutTimeExcds"])).match(/IcmpOutTimeExcds\s+(\d+)/)?.[1]);
  await eventually(async () => (await expired()) > 5 || expired());
  expect(eastProofs()).toBe(before);
});
