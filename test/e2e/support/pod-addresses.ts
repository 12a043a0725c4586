import { isDeepStrictEqual } from "node:util";
import { z } from "zod";
import { addressIn } from "../../../lab/addressing.ts";
import type { Place } from "../../../lab/place.ts";
import { stateOf } from "../../../lab/state.ts";
import { bitsOf, familyOf } from "../../../mesh/cidr.ts";
import type { Family } from "../../../mesh/resources.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import { serveSources, sourcesSeen } from "./sources.ts";
import type { TestLab } from "./test-lab.ts";

const subnets = z.array(z.object({ metadata: z.object({ name: z.string() }), status: z.object({ used: z.int() }) }));
const instances = z.array(
  z.object({
    spec: z.object({
      address: z.string(),
      subnet: z.string(),
      node: z.string().default("none"),
      pod: z.object({ namespace: z.string(), name: z.string() }),
    }),
    status: z.object({ phase: z.string() }),
  }),
);

/** An address, as its cluster's store tells it. */
export interface KnownAddress {
  readonly address: string;
  readonly subnet: string;
  /** `none`: it is kept for a pod that runs nowhere. */
  readonly node: string;
  /** `NAMESPACE/POD` */
  readonly pod: string;
  readonly phase: string;
}

/** What `trestle ip list` tells of a cluster. */
export async function knownAddresses(lab: TestLab, cluster: string): Promise<KnownAddress[]> {
  return instances
    .parse(JSON.parse(await lab.at(cluster, "ip", "list", "--output", "json")))
    .map(({ spec: { address, subnet, node, pod }, status: { phase } }) => {
      return { address, subnet, node, pod: `${pod.namespace}/${pod.name}`, phase };
    });
}

/** How many addresses of each Subnet are in use, by its name, as `trestle subnet list` tells. */
export async function usedBySubnet(lab: TestLab, cluster: string): Promise<Readonly<Record<string, number>>> {
  const all = subnets.parse(JSON.parse(await lab.at(cluster, "subnet", "list", "--output", "json")));
  return Object.fromEntries(all.map(({ metadata, status }) => [metadata.name, status.used]));
}

/** All addresses of a lab's pod, as its plugin answered. */
export function addressesOf(lab: TestLab, pod: string): readonly string[] {
  const found = stateOf(lab.lab).pods.find(({ cluster, name }) => `${cluster}/${name}` === pod);
  if (found === undefined) throw new Error(`there is no pod ${pod}`);
  return found.addresses;
}

/** A node's address on its LAN. */
export function lanAddress(lab: TestLab, cluster: string, name: string, family: Family): string {
  const node = lab.site(cluster).nodes.find((each) => each.name === name);
  return addressIn(node?.attachments ?? [], family) ?? `no IPv${family} address on ${cluster}/${name}`;
}

const routes = z.array(z.object({ gateway: z.string().optional(), dev: z.string().optional() }));

/** How a place routes this very address, by no wider prefix: next hop, `wire` to a pod of its own, or `none`. */
export async function hostRoute({ run }: Place, address: string): Promise<string> {
  const family = familyOf(address);
  const shown = await run("ip", [`-${family}`, "-j", "route", "show", `${address}/${bitsOf(family)}`]);
  const [route] = routes.parse(JSON.parse(shown || "[]"));
  return route?.gateway ?? (route?.dev?.startsWith("tp") ? "wire" : (route?.dev ?? "none"));
}

const PORT = 7_000;

/** Waits until a pod and others, by TCP, reach each other at all their addresses, each seen with its own. */
export async function awaitMeeting(lab: TestLab, one: string, others: readonly string[]): Promise<void> {
  const servers = await Promise.all([one, ...others].map((pod) => serveSources(lab.place(pod), [PORT])));
  const own = (pod: string, family: Family): string | undefined =>
    addressesOf(lab, pod).find((address) => familyOf(address) === family);
  /** True when each of these sees `from` with its own address; else what they see. */
  const asks = async (from: string, addresses: readonly string[]): Promise<unknown> => {
    const seen = await sourcesSeen(lab.place(from), addresses, PORT, 5_000);
    const wanted = Object.fromEntries(addresses.map((address) => [address, own(from, familyOf(address))]));
    return isDeepStrictEqual(seen, wanted) || { from, seen, wanted };
  };
  try {
    const all = others.flatMap((pod) => addressesOf(lab, pod));
    await eventually(() => asks(one, all));
    for (const pod of others) {
      const shared = addressesOf(lab, one).filter((address) => own(pod, familyOf(address)) !== undefined);
      await eventually(() => asks(pod, shared));
    }
  } finally {
    await Promise.all(servers.map(({ stop }) => stop("SIGKILL")));
  }
}
