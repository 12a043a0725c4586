import { z } from "zod";
import type { Said } from "./plugin.ts";

const version = z.string().min(1);
const result = z.object({
  cniVersion: version,
  ips: z.array(z.object({ address: z.union([z.cidrv4(), z.cidrv6()]), gateway: z.string(), interface: z.int() })),
});
const supported = z.object({ cniVersion: version, supportedVersions: z.array(version).min(1) });
/** Codes that the specification gives, and a plugin's own. */
const code = z.int().refine((value) => [1, 2, 3, 4, 5, 6, 7, 11, 50, 51].includes(value) || value >= 100);
const failure = z.object({ cniVersion: z.string(), code, msg: z.string().min(1) });

/** Undefined, or what is wrong with an answer to whatever was asked: it is no CNI result and no CNI error. */
export function faultOf({ code: exit, output }: Said): string | undefined {
  if (exit === 0 && output === "") return undefined;
  const schema = exit === 0 ? z.union([result, supported]) : failure;
  try {
    const read = schema.safeParse(JSON.parse(output));
    return exit === 0 || exit === 1 ? read.error?.message : `exit code ${exit}`;
  } catch {
    return `no JSON: ${output.slice(0, 300)}`;
  }
}
