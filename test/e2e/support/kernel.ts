import { z } from "zod";
import type { Run } from "../../../platform/run.ts";

/** All that Trestle could touch in a node's kernel, as sorted lines of text by what they are: made to be compared. */
export type KernelDump = Readonly<Record<string, readonly string[]>>;

/** Devices whose name starts so are left out, e.g. those of pods. */
export interface DumpOptions {
  readonly without?: string;
}

const links = z.array(
  z.object({
    ifname: z.string(),
    mtu: z.number(),
    flags: z.array(z.string()),
    master: z.string().optional(),
    ifalias: z.string().optional(),
    inet6_addr_gen_mode: z.string().optional(),
    linkinfo: z.object({ info_kind: z.string().optional() }).optional(),
  }),
);
const addresses = z.array(
  z.object({
    ifname: z.string(),
    addr_info: z.array(z.object({ local: z.string(), prefixlen: z.number(), scope: z.string() })),
  }),
);

/** Reads it all. What the kernel learns and forgets by itself (neighbours it resolved, counters, handshakes) is left out. */
export async function dumpKernel(run: Run, { without }: DumpOptions = {}): Promise<KernelDump> {
  const isSeen = (device: string): boolean => without === undefined || !device.startsWith(without);
  const lines = async (program: string, ...args: readonly string[]): Promise<string[]> => {
    const text = await run(program, args);
    const all = text.split("\n").map((line) => line.trim());
    return all.filter((line) => line !== "" && (without === undefined || !line.includes(` ${without}`))).toSorted();
  };
  return {
    links: links
      .parse(JSON.parse(await run("ip", ["-d", "-j", "link", "show"])))
      .filter(({ ifname }) => isSeen(ifname))
      .map((link) => JSON.stringify(link))
      .toSorted(),
    addresses: addresses
      .parse(JSON.parse(await run("ip", ["-j", "address", "show"])))
      .filter(({ ifname }) => isSeen(ifname))
      .flatMap(({ ifname, addr_info }) => addr_info.map((address) => `${ifname} ${JSON.stringify(address)}`))
      .toSorted(),
    routes: [
      ...(await lines("ip", "-4", "-d", "route", "show", "table", "all")),
      ...(await lines("ip", "-6", "-d", "route", "show", "table", "all")),
    ],
    rules: [...(await lines("ip", "-4", "rule")), ...(await lines("ip", "-6", "rule"))],
    nexthops: await lines("ip", "-d", "nexthop", "show"),
    neighbours: [
      ...(await lines("ip", "neigh", "show", "nud", "permanent")),
      ...(await lines("ip", "neigh", "show", "proxy")),
    ],
    nft: (await run("nft", ["-s", "list", "ruleset"])).split("\n"),
    iptables: (await lines("sh", "-c", "command -v iptables-save >/dev/null && iptables-save || true")).filter(
      (line) => !line.startsWith("#"),
    ),
    wireGuard: (await lines("wg", "show", "all", "dump")).map(lasting),
    sysctls: (
      await lines("sysctl", "-ae", "--pattern", String.raw`^net\.ipv[46]\.(ip_forward|fib_multipath|conf\.)`)
    ).filter((line) => isSeen(/\.conf\.(.+)\.[^.]+ = /.exec(line)?.[1] ?? "")),
  };
}

/** A line of `wg show all dump` without what passing packets change: handshake, received, sent. Interfaces have 5 fields, peers 9. */
function lasting(line: string): string {
  const fields = line.split("\t");
  return fields.length < 9 ? line : [...fields.slice(0, 5), fields[8]].join("\t");
}

/** What differs, one line each: `- routes: …` was there before, `+ routes: …` is there now. */
export function differences(before: KernelDump, after: KernelDump): string[] {
  return Object.keys({ ...before, ...after }).flatMap((part) => {
    const old = before[part] ?? [];
    const now = after[part] ?? [];
    return [
      ...old.filter((line) => !now.includes(line)).map((line) => `- ${part}: ${line}`),
      ...now.filter((line) => !old.includes(line)).map((line) => `+ ${part}: ${line}`),
    ];
  });
}
