import { z } from "zod";
import { CNI_VERSIONS } from "../../../member-agent/cni/call.ts";
import { CNI_CODES } from "../../../member-agent/cni/cni-error.ts";
import type { Said } from "./plugin.ts";

const mac = z.mac();
const cidr = z.union([z.cidrv4(), z.cidrv6()]);
const address = z.union([z.ipv4(), z.ipv6()]);
const device = z.string().regex(/^[^/\s]{1,15}$/);

const hostEnd = { name: device, mac };
const podEnd = { ...hostEnd, sandbox: z.string().min(1) };
/** "ADD Success": what the specification of a version lets an interface say. */
const ENDS = {
  "1.0.0": z.tuple([z.strictObject(hostEnd), z.strictObject(podEnd)]),
  "1.1.0": z.tuple([z.strictObject(hostEnd), z.strictObject({ ...podEnd, mtu: z.int().positive() })]),
} as const;

function addResult(version: (typeof CNI_VERSIONS)[number]): z.ZodType {
  return z.strictObject({
    cniVersion: z.literal(version),
    interfaces: ENDS[version],
    ips: z.array(z.strictObject({ address: cidr, gateway: address, interface: z.literal(1) })).min(1),
    routes: z.array(z.strictObject({ dst: cidr, gw: address })).min(1),
    dns: z.strictObject({}),
  });
}

function versionResult(version: string): z.ZodType {
  const supportedVersions = z.tuple([z.literal("1.0.0"), z.literal("1.1.0")]);
  return z.strictObject({ cniVersion: z.literal(version), supportedVersions });
}

/** All that may be answered; of I/O failure, which is what nobody foresaw, no question makes one. */
const codes: readonly number[] = Object.values(CNI_CODES).filter((code) => code !== CNI_CODES.ioFailure);
const failure = z.strictObject({
  cniVersion: z.enum(CNI_VERSIONS),
  code: z.int().refine((code) => codes.includes(code), "is no code that the documentation knows"),
  msg: z.string().regex(/^\S+( \S+){2}/, "is no sentence"),
  details: z.string().min(1).optional(),
});

/**
 * Undefined, or what is wrong with an answer: it is no CNI result of the command and version that were asked for, and no
 * CNI error.
 * @param question as the forwarder hands it over
 */
export function faultOf(question: Uint8Array, { code: exit, output }: Said): string | undefined {
  if (exit !== 0 && exit !== 1) return `exit code ${exit}`;
  const schema = exit === 1 ? failure : successOf(question);
  if (schema === undefined) return output === "" ? undefined : `there is nothing to say, but it said: ${shown(output)}`;
  try {
    const { error } = schema.safeParse(JSON.parse(output));
    return error && `${error.message}: ${shown(output)}`;
  } catch {
    return `no JSON: ${shown(output)}`;
  }
}

/** Undefined: success is silence. */
function successOf(question: Uint8Array): z.ZodType | undefined {
  const { command, stated } = asked(question);
  if (command === "VERSION") return versionResult(stated || "1.1.0");
  if (["DEL", "CHECK", "GC", "STATUS"].includes(command ?? "")) return undefined;
  const version = CNI_VERSIONS.find((each) => each === stated);
  return command === "ADD" && version !== undefined ? addResult(version) : z.never();
}

/** What a question asks for, as far as it says. */
function asked(question: Uint8Array): { readonly command?: string | undefined; readonly stated?: string | undefined } {
  const text = new TextDecoder().decode(question);
  const end = text.indexOf("\0\0");
  if (end < 0) return {};
  const command = text
    .slice(0, end)
    .split("\0")
    .find((each) => each.startsWith("CNI_COMMAND="))
    ?.slice("CNI_COMMAND=".length);
  return { command, stated: statedVersion(text.slice(end + 2)) };
}

function statedVersion(input: string): string | undefined {
  try {
    const { data } = z.looseObject({ cniVersion: z.string() }).safeParse(JSON.parse(input));
    return data?.cniVersion;
  } catch {
    return undefined;
  }
}

function shown(output: string): string {
  return output.slice(0, 300);
}
