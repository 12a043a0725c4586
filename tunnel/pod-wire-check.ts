import { z } from "zod";
import { bitsOf, familyOf, hostCidr } from "../mesh/cidr.ts";
import { hasCode, messageOf } from "../platform/errors.ts";
import type { Run } from "../platform/run.ts";
import { ipJson } from "./ip.ts";
import type { PodLink } from "./pod-link.ts";
import { POD_NEXT_HOP } from "./pod-link.ts";

const DEVICES = z.array(
  z.object({
    flags: z.array(z.string()),
    addr_info: z.array(z.object({ local: z.string().optional(), prefixlen: z.number().optional() })).default([]),
  }),
);
const ROUTES = z.array(z.object({ dst: z.string(), gateway: z.string().optional(), dev: z.string().optional() }));

/**
 * What is wrong with a pod's wire, in words, for CHECK of the CNI; empty: it is as {@link PodLink} says. Whatever else is
 * on the pod's side is the pod's business.
 * @throws MeshError as {@link ipJson} does, of what is no fault of the wire
 */
export async function podWireFaults(node: Run, link: PodLink): Promise<readonly string[]> {
  const [host, pod] = await Promise.all([hostFaults(node, link), podFaults(node, link)]);
  return [...host, ...pod];
}

async function hostFaults(node: Run, { device, addresses }: PodLink): Promise<string[]> {
  const shown = await deviceIn(node, device);
  if (shown === undefined) return [`the node has no device ${device}`];
  const routes = addresses.map(async (address) => {
    const family = familyOf(address);
    const exactly = ["route", "show", "table", "main", "exact", hostCidr(address)];
    const found = await ipJson(node, [`-${family}`, ...exactly], ROUTES);
    if (found.some(({ dev, gateway }) => dev === device && gateway === undefined)) return [];
    return [
      `the node has no route to ${address} through ${device}${elsewhere(found.map(({ dev = "nowhere" }) => dev))}`,
    ];
  });
  const nextHops = addresses.map((address) => POD_NEXT_HOP[familyOf(address)]);
  const missing = nextHops.filter((nextHop) => !shown.addr_info.some(({ local }) => local === nextHop));
  return [
    ...downFault(`the node's device ${device}`, shown),
    ...missing.map((nextHop) => `the node's device ${device} has no address ${nextHop}, which the pod sends to`),
    ...(await Promise.all(routes)).flat(),
  ];
}

async function podFaults(node: Run, { netns, interface: name, addresses }: PodLink): Promise<string[]> {
  const inPod: Run = (program, args, options) => node("nsenter", [`--net=${netns}`, "--", program, ...args], options);
  try {
    const shown = await deviceIn(inPod, name);
    if (shown === undefined) return [`the pod has no interface ${name}`];
    const missing = addresses.filter((address) => !hasAddress(shown, address));
    const routes = addresses.map(async (address) => {
      const family = familyOf(address);
      const found = await ipJson(inPod, [`-${family}`, "route", "show", "table", "main", "default"], ROUTES);
      const wanted = POD_NEXT_HOP[family];
      if (found.some(({ gateway, dev }) => gateway === wanted && dev === name)) return [];
      const seen = elsewhere(found.map(({ gateway = "nowhere", dev = "" }) => `${gateway} ${dev}`));
      return [`the pod has no IPv${family} default route via ${wanted} on ${name}${seen}`];
    });
    return [
      ...downFault(`the pod's interface ${name}`, shown),
      ...missing.map((address) => `${name} of the pod has no address ${address}`),
      ...(await Promise.all(routes)).flat(),
    ];
  } catch (error) {
    if (!isNoNamespace(error)) throw error;
    return [`the pod's network namespace ${netns} is gone`];
  }
}

type Device = z.infer<typeof DEVICES>[number];

async function deviceIn(run: Run, name: string): Promise<Device | undefined> {
  try {
    return (await ipJson(run, ["address", "show", "dev", name], DEVICES))[0];
  } catch (error) {
    if (hasCode(error, "program-failed") && messageOf(error).includes("does not exist")) return undefined;
    throw error;
  }
}

function downFault(what: string, { flags }: Device): string[] {
  return flags.includes("UP") ? [] : [`${what} is down`];
}

function hasAddress({ addr_info }: Device, address: string): boolean {
  return addr_info.some(({ local, prefixlen }) => local === address && prefixlen === bitsOf(familyOf(address)));
}

function elsewhere(seen: readonly string[]): string {
  return seen.length === 0 ? "" : `; there is one through ${seen.join(", ")}`;
}

/** What nsenter(1) says of a path that is not there, or is a file that no namespace is mounted on any more. */
function isNoNamespace(error: unknown): boolean {
  return hasCode(error, "program-failed") && /nsenter: (cannot open|reassociate)/.test(messageOf(error));
}
