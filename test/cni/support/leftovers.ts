import { ipInstanceKind } from "../../../crds/ip-instance.ts";
import { subnetKind } from "../../../crds/subnet.ts";
import { eventually } from "../../../platform/testing/eventually.ts";
import type { CNINode } from "./cni-node.ts";

const LIMIT_MS = 120_000;

/** Waits until nothing of any pod is left: no address in use, none counted, no wire. */
export async function awaitNothingLeft(node: CNINode): Promise<void> {
  await eventually(async () => {
    const left = await leftOf(node);
    return left.length === 0 || left;
  }, LIMIT_MS);
}

async function leftOf(node: CNINode): Promise<string[]> {
  const [instances, subnets, wires] = await Promise.all([
    node.store.list(ipInstanceKind),
    node.store.list(subnetKind),
    wiresOf(node),
  ]);
  return [
    ...instances.map(({ spec }) => `${spec.address} of ${spec.pod.name}`),
    ...subnets.flatMap(({ metadata, status }) => (status.used > 0 ? [`${status.used} used in ${metadata.name}`] : [])),
    ...wires,
  ];
}

/** Host ends of pods' wires. */
async function wiresOf(node: CNINode): Promise<readonly string[]> {
  const links = JSON.parse(await node.run("ip", ["-j", "link", "show"])) as readonly { readonly ifname: string }[];
  return links.map(({ ifname }) => ifname).filter((name) => name.startsWith("tp"));
}
