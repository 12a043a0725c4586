import { z } from "zod";
import { addressPart } from "../../mesh/cidr.ts";
import type { Attachment } from "../../mesh/ipam/resources.ts";
import { CNI_CODES, CNIError } from "./cni-error.ts";

/** As far as it matters here: the "ADD Success" of the specification, which the list's other plugins may have added to. */
const prevResult = z.looseObject({
  interfaces: z.array(z.looseObject({ name: z.string(), sandbox: z.string().optional() })).nullish(),
  ips: z.array(z.looseObject({ address: z.string(), interface: z.number().optional() })).nullish(),
});

/**
 * Addresses that the runtime was told the pod's interface has, without prefix length; of other interfaces of the pod,
 * other plugins know.
 * @throws CNIError 7
 */
export function toldAddresses(result: unknown, { interface: name }: Attachment): readonly string[] {
  const { data, error } = prevResult.safeParse(result);
  if (data === undefined) {
    const faults = error.issues.map(({ path, message }) => `${["prevResult", ...path].join(".")}: ${message}`);
    throw new CNIError(CNI_CODES.badConfiguration, `the network configuration is wrong: ${faults.join("; ")}`);
  }
  const isPods = (at: number): boolean => {
    const found = data.interfaces?.[at];
    return found?.name === name && Boolean(found.sandbox);
  };
  return (data.ips ?? []).flatMap((ip) =>
    ip.interface !== undefined && isPods(ip.interface) ? [addressPart(ip.address)] : [],
  );
}
