import { familyOf } from "../../mesh/cidr.ts";
import { hasCode, messageOf, MeshError } from "../../platform/errors.ts";
import { CNI_VERSIONS } from "./call.ts";
import { CNI_CODES, CNIError } from "./cni-error.ts";

/** What an ADD made. */
export interface PodWire {
  /** Host end. */
  readonly device: string;
  readonly deviceMac: string;
  /** The pod's end: as CNI_IFNAME said, in the namespace at this path. */
  readonly interface: string;
  readonly interfaceMac: string;
  readonly netns: string;
  /** Bytes. */
  readonly mtu: number;
  /** One a family, each with the next hop that the pod's default route of it has. */
  readonly addresses: readonly { readonly address: string; readonly nextHop: string }[];
}

/** For the forwarder: the exit code in digits, a newline, what is for standard output, and a NUL. */
export type Answer = string;

/** Of DEL, CHECK, GC and STATUS when all is well: they have nothing to say. */
export const DONE: Answer = "0\n\0";

const DEFAULT_ROUTE = { 4: "0.0.0.0/0", 6: "::/0" } as const;

/** The success result of an ADD ("ADD Success" in the specification). Pod addresses stand by themselves: /32, /128. */
export function addAnswer(version: string, wire: PodWire): Answer {
  const { device, deviceMac, netns, mtu, addresses } = wire;
  const families = addresses.map(({ address, nextHop }) => ({ address, nextHop, family: familyOf(address) }));
  return success({
    cniVersion: version,
    interfaces: [
      { name: device, mac: deviceMac },
      { name: wire.interface, mac: wire.interfaceMac, sandbox: netns, ...(version === "1.1.0" ? { mtu } : {}) },
    ],
    ips: families.map(({ address, nextHop, family }) => {
      return { address: `${address}/${family === 4 ? 32 : 128}`, gateway: nextHop, interface: 1 };
    }),
    routes: families.map(({ nextHop, family }) => ({ dst: DEFAULT_ROUTE[family], gw: nextHop })),
    dns: {},
  });
}

/** Of VERSION, in the version that was asked in. */
export function versionAnswer(version: string): Answer {
  return success({ cniVersion: version, supportedVersions: CNI_VERSIONS });
}

/**
 * What any failure is to the runtime ("Error" in the specification). What waiting can mend is "try again later"; codes of
 * ours are left to those who throw {@link CNIError}.
 * @param version of the call, as far as it could be read
 */
export function errorAnswer(error: unknown, version: string = CNI_VERSIONS[0]): Answer {
  const { code, msg, details } = errorParts(error);
  return `1\n${JSON.stringify({ cniVersion: version, code, msg, ...(details ? { details } : {}) })}\n\0`;
}

/** Codes of ours, by what they are called inside. */
const OWN_CODES: ReadonlyMap<string, number> = new Map([
  ["addresses-exhausted", CNI_CODES.exhausted],
  ["address-in-use", CNI_CODES.addressTaken],
  ["address-on-lan", CNI_CODES.addressTaken],
]);

function errorParts(error: unknown): { readonly code: number; readonly msg: string; readonly details?: string } {
  if (error instanceof CNIError) return { code: error.code, msg: error.message, details: error.details };
  if (!(error instanceof MeshError)) return { code: CNI_CODES.ioFailure, msg: messageOf(error) };
  const later = error.retry || hasCode(error, "aborted") ? CNI_CODES.tryAgainLater : CNI_CODES.refused;
  const code = OWN_CODES.get(error.code) ?? later;
  return { code, msg: error.message, details: error.code };
}

function success(value: unknown): Answer {
  return `0\n${JSON.stringify(value)}\n\0`;
}
