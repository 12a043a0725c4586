import { InvalidArgumentError } from "commander";

/** Words of `trestle link create` and `link change`. */

/** Kinds of tunnels as they are typed. */
export const TUNNELS = { wireguard: "WireGuard", vxlan: "VXLAN" } as const;
export type TunnelWord = keyof typeof TUNNELS;

/** Told whoever chooses VXLAN. */
export const IN_CLEAR =
  "warning: VXLAN does not encrypt: this traffic crosses the path between the sites in clear, and whoever is on it can read, change and forge it. Choose it for paths that are yours alone";

/** RFC 8200 wants 1280 of every path; more than 65,535 no IP packet has. @throws InvalidArgumentError */
export function readMTU(text: string): number {
  const bytes = /^\d{1,5}$/.test(text) ? Number(text) : 0;
  if (bytes < 1280 || bytes > 65_535) throw new InvalidArgumentError("It is a number of bytes, 1280 to 65535.");
  return bytes;
}
