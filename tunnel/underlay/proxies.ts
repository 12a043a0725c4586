import { z } from "zod";
import type { Pace } from "../../platform/clock.ts";
import { hasCode, messageOf } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import { ipJson } from "../ip.ts";
import { ROUTE_PROTOCOL } from "../marks.ts";
import type { Outcome } from "../outcome.ts";
import { announce } from "./announce.ts";

/**
 * Pods with addresses of the LAN that their node is on. The node answers for them with its own MAC (ip-neighbour(8),
 * `proxy`), so frames leave with it and come to it, and routes them to the pod's wire.
 *
 * Kernel 6.18 answers ARP for such an address only while a route leads to it by another device, as wirePod makes it;
 * neighbour solicitations it answers in any case, without the override flag.
 */

/** An address that a node has begun to answer for. */
export interface Answering {
  /** Settles once the LAN was told three times, some seconds later, or this ended before; never rejects, says what failed. */
  readonly announced: Promise<Outcome>;
}

/**
 * Makes a node answer for a pod's address on its LAN, without a word to anybody.
 * @param nic the LAN's device
 * @throws MeshError as {@link Run} does, when the kernel refuses
 */
export async function startAnswering(node: Run, nic: string, address: string): Promise<void> {
  await node("ip", ["neigh", "replace", "proxy", address, "dev", nic, "protocol", String(ROUTE_PROTOCOL)]);
}

/**
 * {@link startAnswering}, and has the LAN told, where the address may be known elsewhere: measured on
 * kernel 6.18, what a dead host had is reached 0.1 s after this, and without announcements after 38 s. Returns while they
 * are sent; {@link stopAnswering} ends them. Of an address that it answers for already it does the same again.
 * @throws as that does; a failed announcement is none
 */
export async function answerFor(node: Run, nic: string, address: string, pace: Pace): Promise<Answering> {
  await startAnswering(node, nic, address);
  const isOurs = async () => (await observeProxies(node, nic)).includes(address);
  return { announced: announce(node, nic, address, isOurs, pace) };
}

/** Ends {@link startAnswering}. An address that nobody answers for is no fault, nor is a device that is gone. */
export async function stopAnswering(node: Run, nic: string, address: string): Promise<void> {
  try {
    await node("ip", ["neigh", "delete", "proxy", address, "dev", nic]);
  } catch (error) {
    const isGone = /No such file or directory|Cannot find device/.test(messageOf(error));
    if (!hasCode(error, "program-failed") || !isGone) throw error;
  }
}

const PROXIES = z.array(z.object({ dst: z.string() }));

/**
 * Addresses of both families that the node answers for on a device because we told it to: they have our protocol number.
 * @throws MeshError as {@link ipJson} does
 */
export async function observeProxies(node: Run, nic: string): Promise<readonly string[]> {
  const ours = ["neigh", "show", "proxy", "dev", nic, "protocol", String(ROUTE_PROTOCOL)];
  return (await ipJson(node, ours, PROXIES)).map(({ dst }) => dst);
}
