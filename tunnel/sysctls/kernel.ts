import { hasCode } from "../../platform/errors.ts";
import type { ProgramFailure, Run } from "../../platform/run.ts";
import type { Sysctl } from "../state.ts";

const ROOT = "/proc/sys/";

/**
 * Present values of those keys that exist, in one call. They are files: programs for this are missing in slim images.
 * @param patterns more keys, where `*` stands for every device, and for `all` and `default`
 */
export async function observeSysctls(
  run: Run,
  keys: readonly string[],
  patterns: readonly string[] = [],
): Promise<Map<string, string>> {
  if (keys.length + patterns.length === 0) {
    return new Map();
  }
  const text = await grepAll(run, keys.map(sysctlPath), patterns.map(sysctlPath));
  return new Map(
    text.split("\n").flatMap((line): [string, string][] => {
      const colon = line.indexOf(":");
      const value = line.slice(colon + 1).replaceAll("\t", " ");
      return colon === -1 ? [] : [[line.slice(ROOT.length, colon).replaceAll("/", "."), value.trim()]];
    }),
  );
}

/** Constant: what to read arrives as positional parameters, patterns as the first, which alone is split and expanded. */
const GREP = 'patterns=$1; shift; exec grep -sH "" "$@" $patterns';

/** `FILE:LINE` of every file that can be read; grep fails when one can't, which is no failure here. */
async function grepAll(run: Run, files: readonly string[], patterns: readonly string[]): Promise<string> {
  try {
    return await run("sh", ["-c", GREP, "grep", patterns.join(" "), ...files]);
  } catch (error) {
    if (hasCode(error, "program-failed")) {
      return (error.cause as ProgramFailure).stdout;
    }
    throw error;
  }
}

export async function writeSysctl(run: Run, { key, value }: Sysctl): Promise<void> {
  await run("tee", [sysctlPath(key)], { stdin: `${value}\n` });
}

/** File of a key under /proc/sys. The device in `net.ipv4.conf.<device>.rp_filter` may hold dots of its own. */
export function sysctlPath(key: string): string {
  const perDevice = /^(net)\.(ipv4|ipv6)\.(conf|neigh)\.(.+)\.([^.]+)$/.exec(key);
  return `/proc/sys/${(perDevice?.slice(1) ?? key.split(".")).join("/")}`;
}
