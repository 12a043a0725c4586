import { z } from "zod";
import { attachmentTo, withLength } from "../../../lab/addressing.ts";
import { inNetns } from "../../../lab/place.ts";
import type { Place } from "../../../lab/place.ts";
import { ownerMark } from "../../../lab/topology.ts";
import { familyOf, parseCidr } from "../../../mesh/cidr.ts";
import type { Family } from "../../../mesh/resources.ts";
import { MeshError } from "../../../platform/errors.ts";
import { runner } from "../../../platform/run.ts";
import type { TestLab } from "./test-lab.ts";

/** A machine that is on a site's LAN and of no cluster. */
export interface LanMachine {
  readonly place: Place;
  readonly mac: string;
  readonly addresses: Readonly<Record<Family, string>>;
  /** The MAC address that it knows somebody of the LAN by; undefined: none, or none that it is sure of. */
  macOf(address: string, how?: "sure" | "somehow"): Promise<string | undefined>;
}

const DEVICE = "eth0";
/** Linux is sure of a neighbour for half a minute, and asks again; others ask once in hours. */
const SURE_MS = 3_600_000;
const links = z.tuple([z.object({ address: z.string() })]);
const neighbours = z.array(z.object({ lladdr: z.string().optional() }));

/**
 * Plugs a machine into a site's LAN as number `n`; it goes with the lab, whose mark it bears.
 * @param name of its port, too
 */
export async function plugIn(
  lab: Pick<TestLab, "name" | "site">,
  cluster: string,
  name: string,
  n: number,
): Promise<LanMachine> {
  const { netns: site, lans } = lab.site(cluster);
  const [lan] = lans;
  if (lan === undefined) throw new MeshError("no-lan", `${cluster} has no LAN`, { retry: false });
  const netns = `${lab.name}-${cluster}-${name}`;
  const host = runner();
  await host("ip", ["netns", "add", netns]);
  const attachments = lan.cidrs.map((cidr) => attachmentTo(cidr, n));
  const lines = [
    `link set lo alias ${ownerMark(lab.name)}`,
    `link add ${DEVICE} type veth peer name ${name} netns ${site}`,
    `link set ${DEVICE} up`,
    ...attachments.flatMap((each) => [
      `address add ${withLength(each)} dev ${DEVICE}${each.family === 6 ? " nodad" : ""}`,
      `route add default via ${each.router} dev ${DEVICE}`,
    ]),
  ];
  await host("ip", ["-n", netns, "-batch", "-"], { stdin: lines.join("\n") });
  const port = [`link set ${name} master ${lan.bridge}`, `link set ${name} up`];
  await host("ip", ["-n", site, "-batch", "-"], { stdin: port.join("\n") });
  const place = inNetns(netns);
  const sure = [4, 6].map((family) => `net.ipv${family}.neigh.${DEVICE}.base_reachable_time_ms=${SURE_MS}`);
  await place.run("sysctl", ["-qw", ...sure]);
  const addresses = Object.fromEntries(attachments.map(({ family, address }) => [family, address]));
  return {
    place,
    mac: await macOfDevice(place),
    addresses: addresses as Record<Family, string>,
    macOf: async (address, how = "somehow") => {
      const states = how === "sure" ? "reachable" : "all";
      const shown = await place.run("ip", ["-j", "neigh", "show", "to", address, "dev", DEVICE, "nud", states]);
      return neighbours.parse(JSON.parse(shown))[0]?.lladdr;
    },
  };
}

/** MAC address of a machine's port to its LAN. */
export async function macOfDevice({ run }: Place): Promise<string> {
  return links.parse(JSON.parse(await run("ip", ["-j", "link", "show", "dev", DEVICE])))[0].address;
}

/** Gives a machine one more address of its LAN, without asking whether somebody else has it; it goes on speaking as it did. */
export async function takeLanAddress({ place }: LanMachine, cidr: string, address: string): Promise<void> {
  const unasked = familyOf(address) === 6 ? ["nodad", "preferred_lft", "0"] : [];
  await place.run("ip", ["address", "add", `${address}/${parseCidr(cidr).length}`, "dev", DEVICE, ...unasked]);
}
