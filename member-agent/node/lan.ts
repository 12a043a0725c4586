import { z } from "zod";
import type { Clock } from "../../platform/clock.ts";
import { MeshError, messageOf } from "../../platform/errors.ts";
import type { Log } from "../../platform/log.ts";
import type { Run } from "../../platform/run.ts";
import type { StateFolder } from "../../platform/state-folder.ts";
import { observeSysctls } from "../../tunnel/sysctls/kernel.ts";
import type { SysctlMemory } from "../../tunnel/sysctls/memory.ts";
import { defaultOf } from "../../tunnel/sysctls/side-effects.ts";
import type { Lan } from "../situation.ts";
import { sysctlMemoryIn } from "../sysctl-memory.ts";

interface LanParts {
  readonly device: string | undefined;
  readonly folder: StateFolder;
  readonly run: Run;
  readonly clock: Clock;
  readonly log: Log;
}

const hop = z.object({ dev: z.string().optional() });
const routes = z.array(hop.extend({ nexthops: z.array(hop).default([]) }));
const links = z.array(
  z.object({
    mtu: z.number(),
    addr_info: z.array(z.object({ local: z.string().optional(), prefixlen: z.number(), scope: z.string() })),
  }),
);

/**
 * {@link observeLan}, once there is one.
 * @param device absent: that of the default route
 * @throws MeshError `aborted` when the signal aborts before
 */
export async function awaitLan({ device, folder, run, clock, log }: LanParts, signal: AbortSignal): Promise<Lan> {
  for (;;) {
    try {
      return await observeLan(run, device, sysctlMemoryIn(folder));
    } catch (error) {
      if (signal.aborted) throw error;
      log.warn({ event: "no-lan", error }, messageOf(error));
      await clock.sleep(1_000, signal);
    }
  }
}

/**
 * The interface to the other nodes, its global addresses and its MTU.
 * @param memory what sysctls held before us
 * @throws MeshError `no-lan` when it has no address, or when none was named and there is no default route
 */
export async function observeLan(run: Run, named: string | undefined, memory: SysctlMemory): Promise<Lan> {
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
  return { device, addresses, mtu: link.mtu, routerAdvertisements: await takesAdvertisements(run, device, memory) };
}

/** Of the first default route: IPv4's, or on a machine that has none, IPv6's. */
async function defaultRouteDevice(run: Run): Promise<string | undefined> {
  for (const family of ["-4", "-6"]) {
    const shown = await run("ip", [family, "-j", "route", "show", "default", "type", "unicast"]);
    const [found] = routes.parse(JSON.parse(shown)).flatMap(({ dev, nexthops }) => dev ?? nexthops[0]?.dev ?? []);
    if (found !== undefined) return found;
  }
  return undefined;
}

/**
 * Whether the kernel took router advertisements on this device before we made it forward. By sysctls, not by routes: an
 * advertised route is gone for a moment with its router or the link, and a kernel told to ignore advertisements at that
 * moment hears of no other. Whoever says 0 takes them himself, as NetworkManager does.
 */
async function takesAdvertisements(run: Run, device: string, memory: SysctlMemory): Promise<boolean> {
  const acceptance = `net.ipv6.conf.${device}.accept_ra`;
  const forwarding = `net.ipv6.conf.${device}.forwarding`;
  const [present, known] = await Promise.all([observeSysctls(run, [acceptance, forwarding]), memory.load()]);
  const former = (key: string): string | undefined => (known[key] ?? known[defaultOf(key)])?.former ?? present.get(key);
  return present.get(acceptance) !== "0" && former(acceptance) === "1" && former(forwarding) === "0";
}
