import { readdirSync, statSync } from "node:fs";
import { z } from "zod";
import type { Run } from "../platform/run.ts";
import { hasErrnoCode } from "./errno.ts";
import { ownerMark } from "./topology.ts";

const NETNS = "/run/netns";

/** Path of a network namespace made by `ip netns add`. */
export function netnsPath(netns: string): string {
  return `${NETNS}/${netns}`;
}

/** Names of all network namespaces of this machine, see ip-netns(8). */
export function listNetns(): string[] {
  try {
    return readdirSync(NETNS);
  } catch (error) {
    if (hasErrnoCode(error, "ENOENT")) return [];
    throw error;
  }
}

/** As /proc/PID/ns/net spells it: `net:[4026531840]`. Undefined when there is no such namespace. */
export function netnsInode(netns: string): string | undefined {
  const found = statSync(netnsPath(netns), { throwIfNoEntry: false });
  return found && `net:[${found.ino}]`;
}

const links = z.array(z.object({ ifalias: z.string().optional() }));

/** Those of the lab's namespaces that are there, by the lab's mark in the kernel: needs no record. */
export async function findMarkedNetns(lab: string, run: Run): Promise<string[]> {
  const named = listNetns().filter((netns) => netns.startsWith(`${lab}-`));
  const marked = await Promise.all(
    named.map(async (netns) => {
      // One that is being deleted by somebody else, or a leftover file, has no answer and no mark.
      const shown = await run("ip", ["-n", netns, "-j", "link", "show", "lo"]).catch(() => "[]");
      return links.parse(JSON.parse(shown)).some(({ ifalias }) => ifalias === ownerMark(lab)) ? [netns] : [];
    }),
  );
  return marked.flat();
}
