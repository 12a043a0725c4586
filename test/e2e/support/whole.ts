import type { Place } from "../../../lab/place.ts";
import { stateOf } from "../../../lab/state.ts";
import { familyOf } from "../../../mesh/cidr.ts";
import type { Family } from "../../../mesh/resources.ts";
import { attachmentKey } from "../../../member-agent/ipam/binding.ts";
import { podDevice } from "../../../tunnel/pod-link.ts";
import type { TestLab } from "./test-lab.ts";

/** What became of packets that no router may cut: the far end got them, somebody said that they are too big, or nothing. */
export type Passage = "arrives" | `too big for ${number}` | "silence";

/** Bytes, of the IP header (without options) and ICMP's. */
const HEADERS: Readonly<Record<Family, number>> = { 4: 28, 6: 48 };
/** The first may be lost to what somebody learns from it: an answer has to fit the way back, an outer packet its path. */
const TRIES = 4;

/**
 * Sends a packet of `bytes`, headers included, that must not be cut (DF; in IPv6 none may be), until the other end
 * answers or somebody on the way says that it is too big. The sender forgets what it learnt before.
 */
export async function sendWhole({ run }: Place, address: string, bytes: number): Promise<Passage> {
  const family = familyOf(address);
  await run("ip", [`-${family}`, "route", "flush", "cache"]);
  const size = String(bytes - HEADERS[family]);
  for (let at = 0; at < TRIES; at += 1) {
    const said = await run("sh", ["-c", 'ping -n -c 1 -W 2 -M do -s "$0" "$1" 2>&1 || true', size, address]);
    if (said.includes("bytes from")) return "arrives";
    const [, mtu] =
      /(?:Frag needed and DF set \(mtu = |Packet too big: mtu=|message too long, mtu[=:] ?)(\d+)/.exec(said) ?? [];
    if (mtu !== undefined) return `too big for ${Number(mtu)}`;
  }
  return "silence";
}

/** Lets pods send packets of `bytes`: by itself their MTU leaves room for every tunnel, and no router ever has to speak. */
export async function widenPods(lab: TestLab, bytes: number): Promise<void> {
  for (const { cluster, name, node, sandbox = "" } of stateOf(lab.lab).pods) {
    const pod = lab.place(`${cluster}/${name}`);
    const device = podDevice(attachmentKey({ sandbox, interface: "eth0" }));
    const ends = [
      { run: lab.place(`${cluster}/${node}`).run, device },
      { run: pod.run, device: "eth0" },
    ];
    for (const { run, device } of ends) await run("ip", ["link", "set", device, "mtu", String(bytes)]);
  }
}
