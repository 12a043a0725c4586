import { z } from "zod";
import { familyOf } from "../../../mesh/cidr.ts";
import { gatewayMac } from "../../../mesh/mac-address.ts";
import type { TunnelKind } from "../../../mesh/resources.ts";
import { MESH_VXLAN } from "../../../tunnel/marks.ts";
import type { TestLab } from "./test-lab.ts";
import { ranksOf, tunnelBetween } from "./tunnels.ts";

/** Packets of flows that gateways took in by tunnels, as `TAKER from SENDER`; tunnels that none came by are left out. */
export type Crossings = Readonly<Record<string, number>>;

const TABLE = "e2e-crossings";

const listing = z.object({
  nftables: z.array(
    z.object({ rule: z.object({ comment: z.string(), expr: z.array(z.record(z.string(), z.unknown())) }).optional() }),
  ),
});
const counter = z.object({ counter: z.object({ packets: z.int() }) });

/**
 * Counts what these two addresses send each other through tunnels of that kind while `act` does something. One device of
 * VXLAN serves all gateways: there the sender is known by its MAC address, in WireGuard by the device.
 */
export async function crossingsDuring(
  lab: TestLab,
  kind: TunnelKind,
  sides: readonly [readonly string[], readonly string[]],
  hosts: readonly [string, string],
  act: () => Promise<unknown>,
): Promise<Crossings> {
  const comesFrom = await senderMatch(lab, kind, sides.flat());
  const [here, there] = sides;
  const takers = [...here.map((taker) => [taker, there] as const), ...there.map((taker) => [taker, here] as const)];
  const ip = familyOf(hosts[0]) === 6 ? "ip6" : "ip";
  const ours = `${ip} saddr { ${hosts.join(", ")} } ${ip} daddr { ${hosts.join(", ")} }`;
  for (const [taker, senders] of takers) {
    const rules = senders.map(
      (sender) => `    ${comesFrom(taker, sender)} ${ours} counter comment "${taker} from ${sender}"`,
    );
    // Before all others, so that it counts what somebody drops, too.
    const hook = "    type filter hook prerouting priority -400;";
    const stdin = [`table inet ${TABLE} {`, "  chain prerouting {", hook, ...rules, "  }", "}"].join("\n");
    await lab.place(taker).run("nft", ["-f", "-"], { stdin });
  }
  try {
    await act();
    const counted = takers.map(async ([taker]) => {
      const listed = await lab.place(taker).run("nft", ["-j", "list", "table", "inet", TABLE]);
      return listing.parse(JSON.parse(listed)).nftables.flatMap(({ rule }) => (rule ? [packetsOf(rule)] : []));
    });
    return Object.fromEntries((await Promise.all(counted)).flat().filter(([, packets]) => packets > 0));
  } finally {
    for (const [taker] of takers) await lab.place(taker).run("nft", ["delete", "table", "inet", TABLE]);
  }
}

/** How nft tells what a gateway takes in from another. */
async function senderMatch(
  lab: TestLab,
  kind: TunnelKind,
  gateways: readonly string[],
): Promise<(taker: string, sender: string) => string> {
  const clusterOf = (gateway: string): string => gateway.split("/")[0] ?? "";
  const ranks = await ranksOf(lab, [...new Set(gateways.map(clusterOf))]);
  if (kind === "WireGuard") return (taker, sender) => `iifname ${tunnelBetween(ranks, taker, sender)}`;
  const { clusters } = await lab.status();
  const devices = Object.values(MESH_VXLAN).join(", ");
  return (_, sender) => {
    const number = clusters.find(({ name }) => name === clusterOf(sender))?.number;
    const rank = ranks.get(sender);
    if (number === undefined || rank === undefined) throw new Error(`${sender} is no gateway`);
    return `iifname { ${devices} } ether saddr ${gatewayMac(number, rank)}`;
  };
}

function packetsOf({ comment, expr }: NonNullable<z.infer<typeof listing>["nftables"][number]["rule"]>) {
  const found = expr.find((each) => "counter" in each);
  return [comment, counter.parse(found).counter.packets] as const;
}
