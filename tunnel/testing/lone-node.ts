import type { TestNode } from "./namespace.ts";
import { makeTestNode } from "./namespace.ts";
import { LAN_ADDRESSES } from "./paths.ts";

/**
 * A node with `eth0` on a LAN where nobody is, and `ext0` for other programs, each with a carrier; the same in
 * everything that a dump tells whenever it is made.
 */
export async function makeLoneNode(label: string): Promise<TestNode> {
  const node = await makeTestNode(label);
  const { run } = node;
  const devices = ["eth0", "lan0", "ext0", "far0"];
  const macs = devices.map((_, at) => `02:00:5e:00:00:0${at}`);
  for (const at of [0, 2]) {
    const [near = "", far = ""] = devices.slice(at);
    const [mac = "", farMAC = ""] = macs.slice(at);
    const peer = ["type", "veth", "peer", "name", far, "address", farMAC];
    await run("ip", ["link", "add", "dev", near, "address", mac, ...peer]);
  }
  for (const device of devices) {
    await run("ip", ["link", "set", "dev", device, "addrgenmode", "none"]);
    await run("ip", ["link", "set", "dev", device, "up"]);
  }
  for (const address of LAN_ADDRESSES) {
    await run("ip", ["address", "add", address, "dev", "eth0", ...(address.includes(":") ? ["nodad"] : [])]);
  }
  return node;
}
