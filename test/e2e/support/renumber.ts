import { addressIn, withLength } from "../../../lab/addressing.ts";
import { UPLINK } from "../../../lab/topology.ts";
import { familyOf, formatAddress, parseAddress } from "../../../mesh/cidr.ts";
import type { TestLab } from "./test-lab.ts";

/**
 * Gives a site's router the next address of each family on its uplink, as a provider does over night: whoever is behind
 * its NAT has another public address from now on. Once a lab.
 * @returns the addresses that the site had, and those that it has
 */
export async function renumberUplink(
  lab: TestLab,
  cluster: string,
): Promise<{ readonly from: readonly string[]; readonly to: readonly string[] }> {
  const { uplink, lans, nat, wanDevice } = lab.site(cluster);
  const moves = uplink.map(({ family, address, prefixLength, router }) => ({
    family,
    router,
    prefixLength,
    from: address,
    to: nextOf(address),
  }));
  // The old address first: the kernel takes an address that was added beside it away with it (promote_secondaries).
  const atRouter = moves.flatMap(({ family, from, to, prefixLength, router }) => [
    `address delete ${from}/${prefixLength} dev ${UPLINK}`,
    `address add ${to}/${prefixLength} dev ${UPLINK}${family === 6 ? " nodad" : ""}`,
    `route replace default via ${router} dev ${UPLINK}`,
  ]);
  await lab.router(cluster).run("ip", ["-batch", "-"], { stdin: atRouter.join("\n") });
  const known = nat ? [] : lans.flatMap(({ cidrs }) => cidrs);
  const atWAN = known.map((cidr) => {
    const via = nextOf(addressIn(uplink, familyOf(cidr)) ?? "");
    return `route replace ${cidr} via ${via} dev ${wanDevice}`;
  });
  await lab.place("wan").run("ip", ["-batch", "-"], { stdin: atWAN.join("\n") });
  return { from: moves.map(({ from }) => from), to: moves.map(({ to }) => to) };
}

/**
 * Replaces the IPv4 address of a node on its LAN by one that nobody there has, as a DHCP server does that forgot it. Not
 * the machine of its cluster's store, which others reach at its address. Once a node.
 * @returns the address that it has
 */
export async function renumberNode(lab: TestLab, cluster: string, node: string): Promise<string> {
  const { attachments = [] } = lab.site(cluster).nodes.find(({ name }) => name === node) ?? {};
  const present = attachments.find(({ family }) => family === 4);
  if (present === undefined) throw new Error(`${cluster}/${node} has no LAN of IPv4`);
  const { value } = parseAddress(present.address);
  const to = formatAddress({ family: 4, value: value + 100n });
  const steps = [
    `address delete ${withLength(present)} dev eth0`,
    `address add ${withLength({ ...present, address: to })} dev eth0`,
    `route replace default via ${present.router} dev eth0`,
  ];
  await lab.place(`${cluster}/${node}`).run("ip", ["-batch", "-"], { stdin: steps.join("\n") });
  return to;
}

function nextOf(address: string): string {
  const { family, value } = parseAddress(address);
  return formatAddress({ family, value: value + 1n });
}
