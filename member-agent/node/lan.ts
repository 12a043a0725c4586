import { z } from "zod";
import { MeshError } from "../../platform/errors.ts";
import type { Run } from "../../platform/run.ts";
import type { Lan } from "../situation.ts";

const routes = z.array(z.object({ dev: z.string().optional() }));
const links = z.array(
  z.object({
    mtu: z.number(),
    addr_info: z.array(z.object({ local: z.string().optional(), prefixlen: z.number(), scope: z.string() })),
  }),
);

/**
 * The interface to the other nodes, its global addresses and its MTU.
 * @throws MeshError `no-lan` when it has no address, or when none was named and there is no default route
 */
export async function observeLan(run: Run, named: string | undefined): Promise<Lan> {
  const device = named ?? (await defaultRouteDevice(run));
  if (device === undefined) {
    throw new MeshError(
      "no-lan",
      "this machine has no default route to tell its LAN interface by; name it with --lan-device",
      { retry: true },
    );
  }
  const [link] = links.parse(JSON.parse(await run("ip", ["-j", "address", "show", "dev", device])));
  const addresses = (link?.addr_info ?? []).flatMap(({ local, prefixlen, scope }) =>
    local !== undefined && scope === "global" ? [`${local}/${prefixlen}`] : [],
  );
  if (link === undefined || addresses.length === 0) {
    throw new MeshError(
      "no-lan",
      `interface ${device} has no address yet; give it one, or name another with --lan-device`,
      { retry: true },
    );
  }
  const advertised = routes.parse(
    JSON.parse(await run("ip", ["-6", "-j", "route", "show", "default", "proto", "ra", "dev", device])),
  );
  return { device, addresses, mtu: link.mtu, routerAdvertisements: advertised.length > 0 };
}

async function defaultRouteDevice(run: Run): Promise<string | undefined> {
  const [found] = routes.parse(JSON.parse(await run("ip", ["-j", "route", "show", "default"])));
  return found?.dev;
}
