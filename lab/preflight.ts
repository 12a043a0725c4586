import { accessSync, constants, existsSync } from "node:fs";
import path from "node:path";
import { MeshError, messageOf } from "../platform/errors.ts";
import { findTool } from "../platform/tools.ts";

/** Debian's package for each program the lab and the agents start. */
const PROGRAMS: Readonly<Record<string, string>> = {
  ip: "iproute2",
  nsenter: "util-linux",
  sysctl: "procps",
  nft: "nftables",
  wg: "wireguard-tools",
};

/**
 * Looks, before anything is touched, whether this machine can run a lab.
 * @param searchPath a PATH
 * @param more further programs and their packages
 * @throws MeshError `unfit-machine`: one sentence that says all that is missing and how to get it
 */
export function preflight(searchPath: string, more: Readonly<Record<string, string>> = {}): void {
  const wanted = Object.entries({ ...PROGRAMS, ...more });
  const missing = wanted.filter(([program]) => !isInPath(program, searchPath));
  const faults = [
    ...(process.getuid?.() === 0 ? [] : ["it needs root (try sudo)"]),
    ...(existsSync("/proc/self/ns/net") ? [] : ["the kernel has no network namespaces"]),
    ...(existsSync("/dev/net/tun") || existsSync("/sys/module/wireguard")
      ? []
      : ["there is no /dev/net/tun (modprobe tun; in a container: --device /dev/net/tun)"]),
    ...(missing.length > 0
      ? [
          `${missing.map(([program]) => program).join(", ")} not found (apt install ${[...new Set(missing.map(([, debian]) => debian))].join(" ")})`,
        ]
      : []),
    ...toolFaults(searchPath),
  ];
  if (faults.length > 0) {
    throw new MeshError("unfit-machine", `this machine can't run a lab: ${faults.join("; ")}`, { retry: false });
  }
}

/** @throws MeshError `unfit-machine` */
export function requireRoot(): void {
  if (process.getuid?.() !== 0) throw new MeshError("unfit-machine", "a lab needs root; try sudo", { retry: false });
}

function toolFaults(searchPath: string): string[] {
  const tools = existsSync("/sys/module/wireguard")
    ? (["nats-server", "trestle-cni"] as const)
    : (["nats-server", "trestle-cni", "wireguard-go"] as const);
  return tools.flatMap((tool) => {
    try {
      findTool(tool, searchPath);
      return [];
    } catch (error) {
      return [messageOf(error)];
    }
  });
}

function isInPath(program: string, searchPath: string): boolean {
  return searchPath.split(":").some((folder) => {
    try {
      accessSync(path.join(folder, program), constants.X_OK);
      return true;
    } catch {
      return false;
    }
  });
}
