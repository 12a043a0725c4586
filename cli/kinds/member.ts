import type { Gateway, Membership, MeshNode, RemoteCluster } from "../../mesh/resources.ts";
import type { Column } from "../table.ts";
import { since } from "../time.ts";
import { ageColumn, labelsColumn, nameColumn, pairStateCell, revisionText } from "./looks.ts";

/** Columns of what a cluster's own store holds. */

export const membershipColumns: readonly Column<Membership>[] = [
  nameColumn,
  { title: "CLUSTER", cell: ({ spec }) => spec.cluster },
  { title: "MESH", cell: ({ spec }) => spec.mesh },
  { title: "PHASE", cell: ({ spec }) => spec.phase },
  { title: "NUMBER", cell: ({ status }) => (status.number === undefined ? "" : String(status.number)) },
  { title: "POD CIDRS", cell: ({ status }) => status.podCIDRs.join(",") },
  { title: "MESH PREFIXES", wide: true, cell: ({ status }) => status.meshPrefixes.join(",") },
  { title: "REVISION", cell: ({ status }) => revisionText(status.revision) },
  ageColumn,
];

export const gatewayColumns: readonly Column<Gateway>[] = [
  nameColumn,
  { title: "NODE", cell: ({ spec }) => spec.node },
  { title: "RANK", cell: ({ spec }) => String(spec.rank) },
  { title: "ENDPOINTS", cell: ({ status }) => status.endpoints.join(",") },
  {
    title: "BASE PORT",
    wide: true,
    cell: ({ status }) => (status.basePort === undefined ? "" : String(status.basePort)),
  },
  { title: "PUBLIC KEY", wide: true, cell: ({ status }) => status.publicKey ?? "" },
  {
    title: "PEERS UP",
    cell: ({ status }) => `${status.peers.filter(({ state }) => state === "Up").length}/${status.peers.length}`,
  },
  { title: "APPLIED", cell: ({ status }) => revisionText(status.appliedRevision) },
  ageColumn,
];

export const remoteClusterColumns: readonly Column<RemoteCluster>[] = [
  nameColumn,
  { title: "NUMBER", cell: ({ spec }) => String(spec.number) },
  { title: "PREFIXES", cell: ({ spec }) => spec.prefixes.join(",") },
  { title: "GATEWAYS", cell: ({ spec }) => String(spec.gateways.length) },
  { title: "TUNNEL", cell: ({ spec }) => spec.tunnel },
  { title: "STATE", cell: ({ status }) => pairStateCell(status.state) },
  { title: "REVISION", wide: true, cell: ({ spec }) => revisionText(spec.revision) },
  ageColumn,
];

export const nodeColumns: readonly Column<MeshNode>[] = [
  nameColumn,
  { title: "ADDRESSES", cell: ({ spec }) => spec.addresses.join(",") },
  { title: "MESH ADDRESSES", cell: ({ status }) => status.meshAddresses.join(",") },
  { title: "APPLIED", cell: ({ status }) => revisionText(status.appliedRevision) },
  { title: "LAST SEEN", cell: ({ status }, now) => since(status.lastSeen, now) },
  labelsColumn,
  ageColumn,
];
