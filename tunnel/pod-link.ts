import { createHash } from "node:crypto";
import { familyOf, hostCidr } from "../mesh/cidr.ts";
import type { Attachment } from "../mesh/ipam/resources.ts";
import { MeshError, hasCode, messageOf } from "../platform/errors.ts";
import type { ProgramFailure, Run } from "../platform/run.ts";
import { LinkDeletions } from "./link-deletions.ts";
import { DEVICE_ALIAS } from "./marks.ts";

/**
 * A pod's wire: a veth pair, the pod's address by itself, and a default route through a next hop that is the same on
 * every pod. Two `ip -batch` inputs, one a side; DESIGN section 6 says why no standard plugin does it.
 */
export interface PodLink {
  /** Host end, in the node's network namespace; see {@link podDevice}. */
  readonly device: string;
  /** Of the host end; see {@link podAlias}. */
  readonly alias: string;
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** The pod's end, e.g. eth0 (CNI_IFNAME). */
  readonly interface: string;
  /** Without prefix length, at most one a family. */
  readonly addresses: readonly string[];
  /** Bytes; the LAN's less {@link POD_MTU_OVERHEAD}. */
  readonly mtu: number;
}

/** MAC addresses of both ends, as `02:00:00:00:00:01`. */
export interface PodMacs {
  readonly deviceMac: string;
  readonly interfaceMac: string;
}

/** Bytes a packet may grow on its way: WireGuard over IPv6. */
export const POD_MTU_OVERHEAD = 80;

/** What every pod has for a router, on the host end of its own wire: link-local, so it collides with nothing. */
export const POD_NEXT_HOP = { 4: "169.254.1.1", 6: "fe80::1" } as const;

/** Name of the host end for whatever names the pod for good, e.g. its sandbox: an interface name has 15 characters. */
export function podDevice(key: string): string {
  return `tp${sha256(key).toString("hex").slice(0, 12)}`;
}

/**
 * What the kernel keeps of whom a wire belongs to, in 256 bytes at most (IFALIASZ): a node that lost its disk reads it
 * there. Neither part has spaces in it.
 */
export function podAlias({ sandbox, interface: name }: Attachment): string {
  return `${DEVICE_ALIAS} ${sandbox} ${name}`;
}

/** What {@link podAlias} wrote; undefined of any other text. */
export function readPodAlias(text: string): Attachment | undefined {
  const [mark, sandbox, name, ...more] = text.split(" ");
  return mark === DEVICE_ALIAS && sandbox && name && more.length === 0 ? { sandbox, interface: name } : undefined;
}

/**
 * Made of the host end's name, locally administered, so that they are known before the wire is there. Ends that the
 * kernel gave random ones would have to be looked at, which is one more program for every pod.
 */
export function podMacs(device: string): PodMacs {
  const hash = sha256(device);
  return { deviceMac: macOf(hash.subarray(0, 6)), interfaceMac: macOf(hash.subarray(6, 12)) };
}

/**
 * What to hand to `ip -batch -`, on the host side first, then inside the pod. Pure.
 * @throws MeshError `bad-name` of a name or path that a line of a batch can't carry
 */
export function planPodLink(link: PodLink): { readonly host: string[]; readonly pod: string[] } {
  const { device, alias, netns, interface: name, addresses, mtu } = link;
  const { deviceMac, interfaceMac } = podMacs(device);
  for (const text of [netns, name, alias]) requireOneWord(text);
  const ends = [`${device} mtu ${mtu} address ${deviceMac}`, `${name} mtu ${mtu} address ${interfaceMac}`];
  const families = addresses.map((address) => ({ address, family: familyOf(address) }));
  return {
    host: [
      `link add ${ends[0]} type veth peer name ${ends[1]} netns "${netns}"`,
      // The one link-local address it shall have is the next hop.
      `link set ${device} alias "${alias}" addrgenmode none`,
      ...families.map(({ family }) => nextHopLine(device, family)),
      `link set ${device} up`,
      // Asked for before the pod's end is up it would not answer, and the kernel asks again after a second.
      ...addresses.map((address) => `neigh add ${address} lladdr ${interfaceMac} dev ${device} nud permanent`),
      // The wire of a former sandbox may still be there, whose pod comes back by this one.
      ...addresses.map((address) => `route replace ${hostCidr(address)} dev ${device}`),
    ],
    pod: [
      "link set lo up",
      // nodad: duplicate address detection would keep an IPv6 address unusable for 1.9 s, and nobody else has it.
      ...families.map(
        ({ address, family }) => `address replace ${hostCidr(address)} dev ${name}${family === 6 ? " nodad" : ""}`,
      ),
      `link set ${name} up`,
      ...families.map(({ family }) => `route add default via ${POD_NEXT_HOP[family]} dev ${name} onlink`),
    ],
  };
}

/**
 * Wires a pod; `node` runs programs on its node. When a step fails, what was done is undone; a device that was there
 * before is left alone, it may be the wire of a living pod.
 * @throws MeshError as {@link planPodLink} and {@link Run} do; of a device that was there it says "File exists"
 */
export async function wirePod(node: Run, link: PodLink): Promise<PodMacs> {
  const { host, pod } = planPodLink(link);
  let hostIsDone = false;
  try {
    await node("ip", ["-batch", "-"], { stdin: host.join("\n") });
    hostIsDone = true;
    await configurePod(node, link, pod);
    return podMacs(link.device);
  } catch (error) {
    // What went wrong first is what the caller must hear of.
    if (hostIsDone || !isAtStart(error)) await unwirePod(node, link.device).catch(() => undefined);
    throw error;
  }
}

/** Some runtimes switch IPv6 off in every namespace that they make; where the pod has such an address, it is wanted. */
async function configurePod(node: Run, { netns, interface: name }: PodLink, lines: readonly string[]): Promise<void> {
  const inPod = (words: readonly string[], stdin = ""): Promise<string> =>
    node("nsenter", [`--net=${netns}`, "--", ...words], { stdin });
  const batch = (): Promise<string> => inPod(["ip", "-batch", "-"], lines.join("\n"));
  try {
    await batch();
  } catch (error) {
    if (!messageOf(error).includes("IPv6 is disabled")) throw error;
    await inPod(["sysctl", "-qw", `net/ipv6/conf/${name}/disable_ipv6=0`]);
    await batch();
  }
}

/** True when the first line of a batch failed, on the host the one that makes the device: without -force it ends there. */
function isAtStart(error: unknown): boolean {
  return hasCode(error, "program-failed") && /^Command failed .*:1$/m.test((error.cause as ProgramFailure).stderr);
}

/**
 * Takes a pod's wire away: its other end, addresses and routes go with it. One that is gone already is no fault.
 * @param deletions hear sooner than the program ends that it is gone
 */
export async function unwirePod(node: Run, device: string, deletions = new LinkDeletions()): Promise<void> {
  const deleting = node("ip", ["link", "delete", device]).then(
    () => undefined,
    (error: unknown) => {
      if (!hasCode(error, "program-failed") || !messageOf(error).includes("Cannot find device")) throw error;
    },
  );
  await deletions.orEnd(device, deleting);
}

/** Scope host keeps 169.254.1.1 from being picked as the source of what the node itself sends to the pod. */
function nextHopLine(device: string, family: 4 | 6): string {
  return family === 4
    ? `address add ${POD_NEXT_HOP[4]}/32 dev ${device} scope host`
    : `address add ${POD_NEXT_HOP[6]}/64 dev ${device} nodad`;
}

/**
 * Whether a line of `ip -batch` can carry a text, in quotes: it knows nothing that escapes one, and takes `#` for a comment
 * wherever it is (lib/utils.c).
 */
export function fitsBatch(text: string): boolean {
  return !/["'#\\\n]/.test(text);
}

function requireOneWord(text: string): void {
  if (fitsBatch(text)) return;
  throw new MeshError("bad-name", `${JSON.stringify(text)} has a quote, a # or a \\ in it, which ip can't be told`, {
    retry: false,
  });
}

function sha256(text: string): Buffer {
  return createHash("sha256").update(text).digest();
}

/** One station's, locally administered: the two lowest bits of the first byte are 10 (IEEE 802-2014, 8.4). */
function macOf(bytes: Buffer): string {
  const [first = 0, ...rest] = bytes;
  return [(first & 0xfc) | 0x02, ...rest].map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
