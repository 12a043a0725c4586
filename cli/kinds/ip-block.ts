import type { IPInstance } from "../../mesh/ipam/resources.ts";
import { addressInCidr, formatCidr, parseAddress, parseCidr } from "../../mesh/cidr.ts";
import { objectNameOfCidr } from "../../mesh/names.ts";
import type { IPBlock } from "../../mesh/resources.ts";
import { readCidr } from "../../mesh/typed-cidr.ts";
import { accepted } from "../../platform/errors.ts";
import { renderFields, renderSection } from "../describe.ts";
import type { Look } from "../output.ts";
import type { Column } from "../table.ts";
import { since } from "../time.ts";
import { podText } from "./ip-instance.ts";
import { ageColumn, nameColumn } from "./looks.ts";

export const ipBlockColumns: readonly Column<IPBlock>[] = [
  { title: "CIDR", cell: ({ spec }) => spec.cidr },
  { title: "NODE", cell: ({ spec }) => spec.node },
  { title: "PURPOSE", cell: ({ spec }) => spec.purpose },
  { title: "USED", cell: ({ status }) => String(status.used ?? "") },
  { title: "FREE", cell: ({ status }) => String(status.free ?? "") },
  { ...nameColumn, wide: true },
  { ...ageColumn, wide: true },
];

const addressColumns: readonly Column<IPInstance>[] = [
  { title: "ADDRESS", cell: ({ spec }) => spec.address },
  { title: "POD", cell: ({ spec }) => podText(spec.pod) },
  { title: "PHASE", cell: ({ status }) => status.phase },
];

/** A block as `trestle block show` draws it, with the addresses in it. */
export function describeBlock(
  { metadata, spec, status }: IPBlock,
  instances: readonly IPInstance[],
  look: Look,
): string {
  const cidr = parseCidr(spec.cidr);
  const inside = instances.filter((each) => addressInCidr(cidr, parseAddress(each.spec.address)));
  const fields = renderFields([
    ["CIDR", spec.cidr],
    ["Name", metadata.name],
    ["Node", spec.node],
    ["Purpose", spec.purpose === "Mesh" ? "Mesh: the node's mesh address" : "Pods"],
    ["Addresses", status.used === undefined ? undefined : `${status.used} used, ${status.free ?? 0} free`],
    ["Withheld", status.withheld?.join(", ")],
    ["Created", `${since(metadata.creationTimestamp, look.now)} ago`],
  ]);
  return fields + renderSection("Addresses", addressColumns, inside, look);
}

/** A block is called by its CIDR or by its object's name. @throws MeshError `bad-cidr`, `host-bits-set` */
export function ipBlockName(word: string): string {
  return word.includes("/") ? objectNameOfCidr(formatCidr(accepted(readCidr(word)))) : word;
}

/**
 * What sorts objects named by an address or a CIDR as addresses are: IPv4 first, `10-0-0-9` before `10-0-0-10`.
 * @param name the object's
 */
export function addressOrder(name: string): string {
  const groups = name.split("-");
  return `${groups.length}-${groups.map((group) => group.padStart(4, "0")).join("-")}`;
}
