import { subnetKind } from "../../crds/subnet.ts";
import { familyOf } from "../../mesh/cidr.ts";
import type { IPInstance, IPInstanceSpec, PodReference, Subnet } from "../../mesh/ipam/resources.ts";
import { objectNameOfAddress } from "../../mesh/names.ts";
import { readAddress } from "../../mesh/typed-cidr.ts";
import { accepted } from "../../platform/errors.ts";
import type { ResourceReader } from "../../platform/store/port.ts";
import { POD_NEXT_HOP } from "../../tunnel/pod-link.ts";
import { renderFields } from "../describe.ts";
import type { Look } from "../output.ts";
import type { Column } from "../table.ts";
import { since } from "../time.ts";
import { ageColumn } from "./looks.ts";

/** Columns of addresses; their gateways are their Subnets'. */
export async function ipColumns(peers: ResourceReader): Promise<readonly Column<IPInstance>[]> {
  const subnets = new Map((await peers.list(subnetKind)).map((subnet) => [subnet.metadata.name, subnet]));
  return [
    { title: "ADDRESS", cell: ({ spec }) => spec.address },
    { title: "GATEWAY", cell: ({ spec }) => gatewayOf(spec, subnets.get(spec.subnet)) },
    { title: "POD", cell: ({ spec }) => podText(spec.pod) },
    { title: "NODE", cell: ({ spec }) => spec.node ?? "" },
    { title: "SUBNET", cell: ({ spec }) => spec.subnet },
    { title: "NETWORK", cell: ({ spec }) => spec.network },
    { title: "PHASE", wide: true, cell: ({ status }) => status.phase },
    { title: "RETAINED", wide: true, cell: ({ spec }) => (spec.retained ? "yes" : "no") },
    { title: "OWNER", wide: true, cell: ({ spec }) => ownerText(spec) ?? "" },
    { title: "ATTACHMENT", wide: true, cell: ({ spec }) => attachmentText(spec) ?? "" },
    { ...ageColumn, wide: true },
  ];
}

/** An address as `trestle ip show` draws it. */
export function describeIP({ metadata, spec, status }: IPInstance, subnet: Subnet | undefined, look: Look): string {
  return renderFields([
    ["Address", spec.address],
    ["Name", metadata.name],
    ["Gateway", gatewayOf(spec, subnet)],
    ["Subnet", spec.subnet],
    ["Network", spec.network],
    ["Phase", status.phase],
    ["Pod", podText(spec.pod)],
    ["Pod UID", spec.pod.uid],
    ["Owner", ownerText(spec)],
    ["Node", spec.node],
    ["Attachment", attachmentText(spec)],
    ["Retained", spec.retained ? "yes: it outlives the pod" : "no"],
    ["Created", `${since(metadata.creationTimestamp, look.now)} ago`],
  ]);
}

/** An address is called by itself, in any spelling, or by its object's name. @throws MeshError `bad-address` */
export function ipInstanceName(word: string): string {
  return /[.:]/.test(word) ? objectNameOfAddress(accepted(readAddress(word))) : word;
}

/** `shop/web-0` */
export function podText({ namespace, name }: Pick<PodReference, "namespace" | "name">): string {
  return `${namespace}/${name}`;
}

/** The router of its LAN; where there is none, the node itself, by the address that all pods know it by. */
function gatewayOf({ address }: IPInstanceSpec, subnet: Subnet | undefined): string {
  return subnet?.spec.gateway ?? POD_NEXT_HOP[familyOf(address)];
}

function ownerText({ owner }: IPInstanceSpec): string | undefined {
  return owner && `${owner.kind}/${owner.name}`;
}

/** `eth0 of <sandbox>`, as the container runtime calls them. */
function attachmentText({ attachment }: IPInstanceSpec): string | undefined {
  return attachment && `${attachment.interface} of ${attachment.sandbox}`;
}
