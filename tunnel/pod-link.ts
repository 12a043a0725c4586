import { createHash } from "node:crypto";
import { familyOf } from "../mesh/cidr.ts";
import { hasCode, messageOf } from "../platform/errors.ts";
import type { ProgramFailure, Run } from "../platform/run.ts";

/**
 * A pod's wire: a veth pair, the pod's address by itself, and a default route through a next hop that is the same on
 * every pod. Two `ip -batch` inputs, one a side; DESIGN section 6 says why no standard plugin does it.
 */
export interface PodLink {
  /** Host end, in the node's network namespace; see {@link podDevice}. */
  readonly device: string;
  /** Path of the pod's network namespace. */
  readonly netns: string;
  /** Without prefix length, at most one a family. */
  readonly addresses: readonly string[];
  /** Bytes; the LAN's less {@link POD_MTU_OVERHEAD}. */
  readonly mtu: number;
}

/** Bytes a packet may grow on its way: WireGuard over IPv6. */
export const POD_MTU_OVERHEAD = 80;

/** What every pod has for a router, on the host end of its own wire: link-local, so it collides with nothing. */
const NEXT_HOP = { 4: "169.254.1.1", 6: "fe80::1" } as const;

/** Name of the host end for whatever names the pod for good, e.g. its sandbox: an interface name has 15 characters. */
export function podDevice(key: string): string {
  return `tp${createHash("sha256").update(key).digest("hex").slice(0, 12)}`;
}

/** What to hand to `ip -batch -`, on the host side first, then inside the pod. Pure. */
export function planPodLink({ device, netns, addresses, mtu }: PodLink): {
  readonly host: string[];
  readonly pod: string[];
} {
  const families = addresses.map((address) => ({ address, family: familyOf(address) }));
  return {
    host: [
      `link add ${device} mtu ${mtu} type veth peer name eth0 mtu ${mtu} netns ${netns}`,
      // The one link-local address it shall have is the next hop.
      `link set ${device} addrgenmode none`,
      ...families.map(({ family }) => nextHopLine(device, family)),
      `link set ${device} up`,
      ...families.map(({ address, family }) => `route add ${address}/${hostLength(family)} dev ${device}`),
    ],
    pod: [
      "link set lo up",
      // nodad: duplicate address detection would keep an IPv6 address unusable for 1.9 s, and nobody else has it.
      ...families.map(
        ({ address, family }) => `address add ${address}/${hostLength(family)} dev eth0${family === 6 ? " nodad" : ""}`,
      ),
      "link set eth0 up",
      ...families.map(({ family }) => `route add default via ${NEXT_HOP[family]} dev eth0 onlink`),
    ],
  };
}

/**
 * Wires a pod; `node` runs programs on its node. When a step fails, what was done is undone; a device that was there
 * before is left alone, it may be the wire of a living pod.
 * @throws MeshError as {@link Run} does
 */
export async function wirePod(node: Run, link: PodLink): Promise<void> {
  const { host, pod } = planPodLink(link);
  let hostIsDone = false;
  try {
    await node("ip", ["-batch", "-"], { stdin: host.join("\n") });
    hostIsDone = true;
    await node("nsenter", [`--net=${link.netns}`, "--", "ip", "-batch", "-"], { stdin: pod.join("\n") });
  } catch (error) {
    // What went wrong first is what the caller must hear of.
    if (hostIsDone || !isAtStart(error)) await unwirePod(node, link.device).catch(() => undefined);
    throw error;
  }
}

/** True when the first line of a batch failed, on the host the one that makes the device: without -force it ends there. */
function isAtStart(error: unknown): boolean {
  return hasCode(error, "program-failed") && /^Command failed .*:1$/m.test((error.cause as ProgramFailure).stderr);
}

/** Takes a pod's wire away: its other end, addresses and routes go with it. One that is gone already is no fault. */
export async function unwirePod(node: Run, device: string): Promise<void> {
  try {
    await node("ip", ["link", "delete", device]);
  } catch (error) {
    if (!hasCode(error, "program-failed") || !messageOf(error).includes("Cannot find device")) throw error;
  }
}

/** Scope host keeps 169.254.1.1 from being picked as the source of what the node itself sends to the pod. */
function nextHopLine(device: string, family: 4 | 6): string {
  return family === 4
    ? `address add ${NEXT_HOP[4]}/32 dev ${device} scope host`
    : `address add ${NEXT_HOP[6]}/64 dev ${device} nodad`;
}

function hostLength(family: 4 | 6): number {
  return family === 4 ? 32 : 128;
}
