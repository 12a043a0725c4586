import { ipBlockKind } from "../../../crds/ip-block.ts";
import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { addressPart, hostCidr } from "../../../mesh/cidr.ts";
import type { IPBlockSpec } from "../../../mesh/resources.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import type { CNINode } from "./cni-node.ts";

const LIMIT_MS = 120_000;

/** Waits until no pod has anything any more, in the kernel or in the store. */
export async function awaitNoPods(node: CNINode): Promise<void> {
  await awaitNone(() => leftOf(node));
}

/** As {@link awaitNoPods}, and none is counted. */
export async function awaitNothingLeft(node: CNINode): Promise<void> {
  await awaitNone(async () => [...(await leftOf(node)), ...(await countedOf(node))]);
}

function awaitNone(look: () => Promise<readonly string[]>): Promise<void> {
  return eventually(async () => {
    const left = await look();
    return left.length === 0 || left;
  }, LIMIT_MS);
}

/** What the node and the store have of pods: wires, addresses that the LAN is answered for, addresses, blocks of one. */
async function leftOf(node: CNINode): Promise<string[]> {
  const [wires, proxies, instances, blocks] = await Promise.all([
    wiresOf(node),
    proxiesOf(node),
    node.store.list(ipInstanceKind),
    node.store.list(ipBlockKind),
  ]);
  return [
    ...wires,
    ...proxies.map((address) => `${address} is answered for`),
    ...instances.map(({ spec }) => `${spec.address} of ${spec.pod.name}`),
    ...blocks.flatMap(({ spec }) => (isOfOne(spec) ? [`block ${spec.cidr}`] : [])),
  ];
}

function isOfOne({ purpose, cidr }: IPBlockSpec): boolean {
  return purpose === "Pods" && cidr === hostCidr(addressPart(cidr));
}

/** What others are told of how much is in use. */
async function countedOf({ store }: CNINode): Promise<string[]> {
  const counted = [...(await store.list(subnetKind)), ...(await store.list(ipBlockKind))];
  return counted.flatMap(({ metadata, status: { used = 0 } }) =>
    used > 0 ? [`${used} used in ${metadata.name}`] : [],
  );
}

/** Host ends of pods' wires. */
async function wiresOf(node: CNINode): Promise<readonly string[]> {
  const links = JSON.parse(await node.run("ip", ["-j", "link", "show"])) as readonly { readonly ifname: string }[];
  return links.map(({ ifname }) => ifname).filter((name) => name.startsWith("tp"));
}

/** Addresses of both families that the node answers for. */
async function proxiesOf(node: CNINode): Promise<readonly string[]> {
  const entries = await node.run("ip", ["-j", "neigh", "show", "proxy"]);
  return (JSON.parse(entries) as readonly { readonly dst: string }[]).map(({ dst }) => dst);
}
