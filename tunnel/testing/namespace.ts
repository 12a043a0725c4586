import type { ChildProcess } from "node:child_process";
import { spawn } from "node:child_process";
import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { eventually } from "../../platform/testing/eventually.ts";
import type { Run } from "../../platform/run.ts";
import { runner } from "../../platform/run.ts";

/** A node for a test: a network namespace, and a mount namespace with its own /run, where wireguard-go has its sockets. */
export interface TestNode {
  readonly name: string;
  /** What starts a program inside. */
  readonly prefix: readonly string[];
  readonly run: Run;
  /** Ends every process inside and takes the namespace away. */
  remove(): Promise<void>;
}

const HOST = runner();

/** Makes a node whose name ends in a random suffix, loopback up. */
export async function makeTestNode(label: string): Promise<TestNode> {
  const name = `trs-test-${label}-${randomBytes(3).toString("hex")}`;
  await HOST("ip", ["netns", "add", name]);
  const script = "mount -t tmpfs tmpfs /run && echo ready && exec sleep infinity";
  const holder = spawn(
    "ip",
    ["netns", "exec", name, "unshare", "--mount", "--propagation", "slave", "sh", "-c", script],
    {
      stdio: ["ignore", "pipe", "inherit"],
    },
  );
  await once(holder.stdout, "data");
  const prefix = ["nsenter", "--target", String(holder.pid), "--mount", "--net", "--"];
  const run = runner(prefix);
  await run("ip", ["link", "set", "dev", "lo", "up"]);
  return { name, prefix, run, remove: () => removeTestNode(name, holder) };
}

async function removeTestNode(name: string, holder: ChildProcess): Promise<void> {
  const exited = holder.exitCode === null && holder.signalCode === null ? once(holder, "exit") : undefined;
  for (const pid of await pidsIn(name)) {
    try {
      process.kill(pid, "SIGKILL");
    } catch {
      // it is gone already
    }
  }
  await exited;
  await eventually(async () => (await pidsIn(name)).length === 0);
  await HOST("ip", ["netns", "delete", name]);
}

/** Processes in a namespace that a test made. */
export async function pidsIn(name: string): Promise<number[]> {
  return (await HOST("ip", ["netns", "pids", name])).split("\n").filter(Boolean).map(Number);
}

/** Joins two nodes by a cable: `eth0` on both sides, with these addresses (with prefix length). */
export async function connect(
  [left, leftAddresses]: readonly [TestNode, readonly string[]],
  [right, rightAddresses]: readonly [TestNode, readonly string[]],
): Promise<void> {
  await HOST("ip", [
    "link",
    "add",
    "eth0",
    "netns",
    left.name,
    "type",
    "veth",
    "peer",
    "name",
    "eth0",
    "netns",
    right.name,
  ]);
  for (const [node, addresses] of [
    [left, leftAddresses],
    [right, rightAddresses],
  ] as const) {
    for (const address of addresses) {
      await node.run("ip", ["address", "add", address, "dev", "eth0", ...(address.includes(":") ? ["nodad"] : [])]);
    }
    await node.run("ip", ["link", "set", "dev", "eth0", "up"]);
  }
}
