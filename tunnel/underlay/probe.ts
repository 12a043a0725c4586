import { z } from "zod";
import type { Pace } from "../../platform/clock.ts";
import { MeshError } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import { ipJson } from "../ip.ts";

/**
 * Who on the LAN has an address, of either family: the kernel is made to ask (ip-neighbour(8), `use`), and its table is
 * read. Kernel 6.18 does not answer for others when asked from 0.0.0.0, as `arping -D` asks (RFC 5227, 1.1), and its
 * advertisements for others come from its own address, which ndisc6(8) takes for no answer: neither of them would find
 * another node's pod.
 */

/** Who has an address answers within a millisecond on a wired LAN, and a pod waits for the end of it; RFC 5227 waits up to 9 s. */
const CONFLICT_WAIT_MS = 300;
/** A router may be busy, or an answer lost: the kernel asks every second. */
const GATEWAY_WAIT_MS = 1500;
/** Most who answer have before the first look. */
const LOOK_EVERY_MS = 100;

/**
 * The MAC address of who has an address of the LAN already: before it is given to a pod. What this node has
 * itself counts, and what another node answers for; what this node answers for, for a pod, does not.
 * @param nic the LAN's device, which must be up: on one that is down nobody answers
 * @param waitMs how long an answer may take
 * @throws MeshError as {@link Run} does, and `aborted`
 */
export async function probeConflict(
  node: Run,
  nic: string,
  address: string,
  pace: Pace,
  waitMs = CONFLICT_WAIT_MS,
): Promise<string | undefined> {
  // Nobody answers what it asks about itself; and the kernel delivers such packets without asking anybody.
  if (await hasItself(node, address)) return macOf(node, nic);
  const holder = await holderOf(node, nic, address, pace, waitMs);
  // A NIC may hear what it multicasts itself.
  return holder === undefined || holder === (await macOf(node, nic)) ? undefined : holder;
}

/**
 * Whether a router answers on the LAN.
 * @param nic the LAN's device
 * @param waitMs how long its answer may take
 * @throws MeshError as {@link Run} does, and `aborted`
 */
export async function probeGateway(
  node: Run,
  nic: string,
  gateway: string,
  pace: Pace,
  waitMs = GATEWAY_WAIT_MS,
): Promise<boolean> {
  return (await holderOf(node, nic, gateway, pace, waitMs)) !== undefined;
}

async function holderOf(
  node: Run,
  nic: string,
  address: string,
  { clock, signal }: Pace,
  waitMs: number,
): Promise<string | undefined> {
  // What an admin wrote down nobody asks for; asked all the same, kernel 6.18 would forget that it is permanent.
  const written = await macOfNeighbour(node, nic, address, "permanent");
  if (written !== undefined) return written;
  const at = `${address} dev ${nic}`;
  // What is known already may be of old.
  const forget = `neigh flush to ${at}`;
  await node("ip", ["-batch", "-"], { stdin: `${forget}\nneigh replace ${at} nud none use`, signal });
  const deadline = clock.monotonic() + waitMs;
  for (;;) {
    const answered = await macOfNeighbour(node, nic, address, "all");
    if (answered !== undefined) return answered;
    if (signal.aborted) throw new MeshError("aborted", `asking the LAN who has ${at}: stopped`, { retry: false });
    if (clock.monotonic() >= deadline) break;
    await clock.sleep(LOOK_EVERY_MS, signal);
  }
  // The kernel would go on asking.
  await node("ip", ["-batch", "-"], { stdin: forget });
  return undefined;
}

const HOLDERS = z.array(z.object({ addr_info: z.array(z.unknown()).default([]) }));

/** Whether a device of this node has an address, whichever it is. */
async function hasItself(node: Run, address: string): Promise<boolean> {
  const devices = await ipJson(node, ["address", "show", "to", address], HOLDERS);
  return devices.some(({ addr_info }) => addr_info.length > 0);
}

const NEIGHBOURS = z.array(z.object({ lladdr: z.string().optional() }));

async function macOfNeighbour(
  node: Run,
  nic: string,
  address: string,
  state: "permanent" | "all",
): Promise<string | undefined> {
  return (await ipJson(node, ["neigh", "show", "to", address, "dev", nic, "nud", state], NEIGHBOURS))[0]?.lladdr;
}

const LINKS = z.array(z.object({ address: z.string().optional() }));

async function macOf(node: Run, nic: string): Promise<string | undefined> {
  return (await ipJson(node, ["link", "show", "dev", nic], LINKS))[0]?.address;
}
