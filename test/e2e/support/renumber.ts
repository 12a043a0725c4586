import { addressIn } from "../../../lab/addressing.ts";
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

function nextOf(address: string): string {
  const { family, value } = parseAddress(address);
  return formatAddress({ family, value: value + 1n });
}
