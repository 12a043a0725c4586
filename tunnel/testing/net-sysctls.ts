import type { Run } from "../../platform/run.ts";

const ROOTS = ["/proc/sys/net/ipv4", "/proc/sys/net/ipv6"];
/** Not settings: they count, or can't be read twice alike. */
const RESTLESS = /stable_secret|tcp_fastopen_key|fib_multipath_hash_seed|\.neigh\./;

/** Every sysctl of IPv4 and IPv6 that holds still. */
export async function observeNetSysctls(run: Run): Promise<Map<string, string>> {
  const text = await run("sh", ["-c", 'grep -rsH "" "$@" || true', "grep", ...ROOTS]);
  const lines = text.split("\n").flatMap((line): [string, string][] => {
    const colon = line.indexOf(":");
    const key = line.slice("/proc/sys/".length, colon).replaceAll("/", ".");
    return colon === -1 || RESTLESS.test(key) ? [] : [[key, line.slice(colon + 1)]];
  });
  return new Map(lines);
}
