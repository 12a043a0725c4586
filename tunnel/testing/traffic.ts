import { spawn } from "node:child_process";
import { once } from "node:events";
import { runner } from "../../platform/run.ts";
import type { TestNode } from "./namespace.ts";

/** Cables, packets and conversations between test nodes, and what was seen of them. */

/** A device and its addresses (with prefix length) on one end of a cable. */
export interface End {
  readonly node: TestNode;
  readonly device: string;
  readonly addresses: readonly string[];
}

/** Joins two nodes; the names of the devices are what rules see. */
export async function cable(left: End, right: End): Promise<void> {
  const ends = [left.device, "netns", left.node.name, "type", "veth", "peer", "name", right.device];
  await runner()("ip", ["link", "add", ...ends, "netns", right.node.name]);
  await bringUp(left);
  await bringUp(right);
}

/** A cable on which, as in a tunnel, nobody asks for neighbours or routers: each end knows the other's addresses. */
export async function tunnelCable(left: End, right: End): Promise<void> {
  await cable({ ...left, addresses: [] }, { ...right, addresses: [] });
  for (const { node, device } of [left, right]) {
    await node.run("ip", ["link", "set", "dev", device, "down"]);
    await node.run("ip", ["link", "set", "dev", device, "arp", "off", "addrgenmode", "none"]);
  }
  await bringUp(left);
  await bringUp(right);
  await introduce(left, right);
  await introduce(right, left);
}

async function bringUp({ node, device, addresses }: End): Promise<void> {
  await node.run("ip", ["link", "set", "dev", device, "up"]);
  for (const address of addresses) {
    await node.run("ip", ["address", "add", address, "dev", device, ...(address.includes(":") ? ["nodad"] : [])]);
  }
}

/** Tells `who` which MAC address the other has. */
async function introduce(who: End, other: End): Promise<void> {
  const mac = (await other.node.run("cat", [`/sys/class/net/${other.device}/address`])).trim();
  for (const address of other.addresses) {
    const [host = ""] = address.split("/");
    await who.node.run("ip", ["neigh", "replace", host, "lladdr", mac, "dev", who.device, "nud", "permanent"]);
  }
}

/** Makes a node forward both families. */
export async function forward(node: TestNode): Promise<void> {
  await node.run("tee", ["/proc/sys/net/ipv4/ip_forward", "/proc/sys/net/ipv6/conf/all/forwarding"], { stdin: "1" });
}

/** Whether an echo request is answered; `from` is a source address of the node. */
export async function ping(node: TestNode, address: string, from?: string): Promise<boolean> {
  const source = from === undefined ? [] : ["-I", from];
  return node.run("ping", ["-c", "1", "-W", "5", ...source, address]).then(
    () => true,
    () => false,
  );
}

/** One echo request that nobody waits for, with a source that is the node's for that moment only. */
export async function pretend(node: TestNode, source: string, target: string): Promise<void> {
  const address = ["address", "add", source, "dev", "eth0", ...(source.includes(":") ? ["nodad"] : [])];
  await node.run("ip", address);
  await node.run("bash", ["-c", 'ping -c 1 -W 0.1 -I "$0" "$1" || true', source, target]);
  await node.run("ip", ["address", "delete", `${source}/${source.includes(":") ? 128 : 32}`, "dev", "eth0"]);
}

/** One datagram to a port, that nobody answers. */
export async function datagram(node: TestNode, address: string, port: number): Promise<void> {
  await node.run("bash", ["-c", 'echo hello > "/dev/udp/$0/$1"', address, String(port)]);
}

const SERVER = `
require("node:net").createServer((socket) => socket.on("error", () => 0).end(socket.remoteAddress))
  .listen({ host: "::", port: Number(process.argv[1]) }, () => console.log("ready"));`;

/** Answers each TCP connection to a port with the address that it came from, until the node is removed. */
export async function serve(node: TestNode, port: number): Promise<void> {
  const [file, ...rest] = [...node.prefix, process.execPath, "-e", SERVER, String(port)] as const;
  const server = spawn(file, rest, { stdio: ["ignore", "pipe", "inherit"] });
  await once(server.stdout, "data");
}

const CLIENT = `
const [host, port, wait, localAddress] = process.argv.slice(1);
const socket = require("node:net").connect({ host, port: Number(port), ...(localAddress && { localAddress }) });
socket.setTimeout(Number(wait), () => socket.destroy(new Error("no answer")));
socket.on("error", (error) => { console.log(error.message); process.exit(0); }).pipe(process.stdout);`;

/** Connects to a {@link serve}; resolves with the address that the server saw, or with why there was no answer in `waitMs`. */
export async function connectTo(
  node: TestNode,
  address: string,
  port: number,
  from?: string,
  waitMs = 30_000,
): Promise<string> {
  const words = ["-e", CLIENT, address, String(port), String(waitMs), ...(from === undefined ? [] : [from])];
  const said = await node.run(process.execPath, words, { limitMs: waitMs + 30_000 });
  return said.trim().replace("::ffff:", "");
}
