import { ipBlockKind } from "../../crds/ip-block.ts";
import { ipInstanceKind } from "../../crds/ip-instance.ts";
import { networkKind } from "../../crds/network.ts";
import { subnetKind } from "../../crds/subnet.ts";
import { formatAddress, nthAddress, parseCidr } from "../../mesh/cidr.ts";
import type { IPInstanceSpec } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress, objectNameOfCidr } from "../../mesh/names.ts";
import { hasCode } from "../../platform/errors.ts";
import type { ResourceStore } from "../../platform/store/port.ts";

/** Overlay Subnets and the one of the LAN; what is used is spread evenly over all of them. */
const OVERLAY = ["10.64.0.0/16", "10.65.0.0/16", "10.66.0.0/16"] as const;
const LAN = "10.80.0.0/16";
export const SUBNETS = OVERLAY.length + 1;

/** Of a /24 in each of them. */
const BLOCKS = 256;
/** Addresses of one that have pods. */
const A_BLOCK = 250;
/** Where the first pod is in a block: after the range's own name and an address for the node. */
const FIRST = 2;
const WRITERS = 64;

/** Makes a cluster's Networks and Subnets. */
export async function makeSubnets(store: ResourceStore): Promise<void> {
  await store.create(networkKind, { metadata: { name: "overlay" }, spec: { type: "Overlay", nodeSelector: {} } });
  await store.create(networkKind, { metadata: { name: "lan" }, spec: { type: "Underlay", nodeSelector: {} } });
  const common = { excludeIPs: [], reservedIPs: [], private: false, disabled: false, nodeSelector: {} };
  for (const [at, cidr] of OVERLAY.entries()) {
    const spec = { ...common, network: "overlay", cidr, blockSize: 24 };
    await store.create(subnetKind, { metadata: { name: `pods-${at}` }, spec });
  }
  await store.create(subnetKind, { metadata: { name: "lan" }, spec: { ...common, network: "lan", cidr: LAN } });
}

/**
 * Lets pods of other machines use more addresses: `from` are in use already. A machine has a block of each Subnet, from
 * the last one down: those that are claimed next are the first that are free.
 */
export async function usedByOthers(store: ResourceStore, from: number, until: number): Promise<void> {
  const numbers = Array.from({ length: until - from }, (_, at) => from + at);
  const writers = Array.from({ length: WRITERS }, async () => {
    for (let at = numbers.pop(); at !== undefined; at = numbers.pop()) await useOne(store, at);
  });
  await Promise.all(writers);
}

async function useOne(store: ResourceStore, number: number): Promise<void> {
  const subnet = number % SUBNETS;
  const machine = BLOCKS - 1 - Math.floor(number / SUBNETS / A_BLOCK);
  const within = Math.floor(number / SUBNETS) % A_BLOCK;
  const range = parseCidr(OVERLAY[subnet] ?? LAN);
  const addressAt = (at: number): string => formatAddress(nthAddress(range, BigInt(machine * 256 + at)));
  if (subnet < OVERLAY.length && within === 0) {
    const cidr = `${addressAt(0)}/24`;
    const spec = { cidr, node: `other-${machine}`, purpose: "Pods" } as const;
    await store.create(ipBlockKind, { metadata: { name: objectNameOfCidr(cidr) }, spec });
  }
  const address = addressAt(FIRST + within);
  const spec: IPInstanceSpec = {
    address,
    subnet: subnet < OVERLAY.length ? `pods-${subnet}` : "lan",
    network: subnet < OVERLAY.length ? "overlay" : "lan",
    node: `other-${machine}`,
    pod: { namespace: "default", name: `other-${number}`, uid: `uid-${number}` },
    attachment: { sandbox: `sandbox-${number}`, interface: "eth0" },
    retained: false,
  };
  await store
    .create(ipInstanceKind, { metadata: { name: objectNameOfAddress(address) }, spec })
    .catch((error: unknown) => {
      // One of the node that was timed before: in use as well.
      if (!hasCode(error, "already-exists")) throw error;
    });
}
