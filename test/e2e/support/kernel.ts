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

/**
 * Reads it all. What the kernel learns and forgets by itself (neighbours it resolved, addresses a bridge saw, counters,
 * handshakes) is left out, and so is what it makes up (a bridge's own MAC address).
 */
export async function dumpKernel(run: Run, { without }: DumpOptions = {}): Promise<KernelDump> {
  const isSeen = (device: string): boolean => without === undefined || !device.startsWith(without);
  const lines = async (program: string, ...args: readonly string[]): Promise<string[]> => {
    const text = await run(program, args);
    const all = text.split("\n").map((line) => line.trim());
    return all.filter((line) => line !== "" && (without === undefined || !line.includes(` ${without}`))).toSorted();
  };
  const parts: Readonly<Record<string, () => Promise<string[]>>> = {
    links: async () =>
      (await readLinks(run)).filter(({ ifname }) => isSeen(ifname)).map((link) => JSON.stringify(link)),
    addresses: async () =>
      (await readAddresses(run))
        .filter(({ ifname }) => isSeen(ifname))
        .flatMap(({ ifname, addr_info }) => addr_info.map((address) => `${ifname} ${JSON.stringify(address)}`)),
    routes: async () => [
      ...(await lines("ip", "-4", "-d", "route", "show", "table", "all")),
      ...(await lines("ip", "-6", "-d", "route", "show", "table", "all")),
    ],
    rules: async () => [...(await lines("ip", "-4", "rule")), ...(await lines("ip", "-6", "rule"))],
    nexthops: () => lines("ip", "-d", "nexthop", "show"),
    neighbours: async () => [
      ...(await lines("ip", "neigh", "show", "nud", "permanent")),
      ...(await lines("ip", "neigh", "show", "proxy")),
    ],
    fdb: async () =>
      (await lines("bridge", "fdb", "show")).filter(
        (line) => / (permanent|static)\b/.test(line) && !/ dev (\S+) master \1 /.test(line),
      ),
    nft: async () => (await run("nft", ["-s", "list", "ruleset"])).split("\n"),
    iptables: () => saved(lines, "iptables"),
    ip6tables: () => saved(lines, "ip6tables"),
    wireGuard: async () => (await lines("wg", "show", "all", "dump")).map(lasting),
    sysctls: async () =>
      (await lines("sh", "-c", 'grep -rsH "" /proc/sys/net/ipv4 /proc/sys/net/ipv6 || true')).filter(
        (line) => !RESTLESS.test(line) && isSeen(/\/conf\/([^/]+)/.exec(line)?.[1] ?? ""),
      ),
  };
  // The order of nft's lines means something; no other's does.
  const read = Object.entries(parts).map(async ([part, all]) => {
    const found = await all();
    return [part, part === "nft" ? found : found.toSorted()] as const;
  });
  return Object.fromEntries(await Promise.all(read));
}

/** Sysctls that are no settings, or can't be read twice alike. */
const RESTLESS = /stable_secret|tcp_fastopen_key|fib_multipath_hash_seed|\/neigh\//;

async function readLinks(run: Run): Promise<z.infer<typeof links>> {
  return links.parse(JSON.parse(await run("ip", ["-d", "-j", "link", "show"])));
}

async function readAddresses(run: Run): Promise<z.infer<typeof addresses>> {
  return addresses.parse(JSON.parse(await run("ip", ["-j", "address", "show"])));
}

/** Rules of one family, without what passing packets change. */
async function saved(
  lines: (program: string, ...args: string[]) => Promise<string[]>,
  program: string,
): Promise<string[]> {
  const all = await lines("sh", "-c", `command -v ${program}-save >/dev/null && ${program}-save || true`);
  return all.filter((line) => !line.startsWith("#")).map((line) => line.replace(/ \[\d+:\d+\]$/, ""));
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
