import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { gatewayKind } from "../../crds/gateway.ts";
import { ipBlockKind } from "../../crds/ip-block.ts";
import { joinTokenKind } from "../../crds/join-token.ts";
import { ledgerKind } from "../../crds/ledger.ts";
import { membershipKind } from "../../crds/membership.ts";
import { nodeKind } from "../../crds/node.ts";
import { remoteClusterKind } from "../../crds/remote-cluster.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import { poolInUse } from "../../mesh/pools.ts";
import type { Refusal } from "../../mesh/refusal.ts";
import { MeshError } from "../../platform/errors.ts";
import type { ResourceKind, ResourceReader, StoredObject } from "../../platform/store/port.ts";
import type { Column } from "../table.ts";
import { clusterColumns } from "./cluster.ts";
import { linkColumns } from "./link.ts";
import { gatewayColumns, ipBlockColumns, membershipColumns, nodeColumns, remoteClusterColumns } from "./member.ts";
import { poolColumns } from "./pool.ts";
import { tokenColumns } from "./token.ts";

/** How an object of a kind goes away: from the store, by the hub (whose ledger and credentials hang on it), or not by hand. */
export type Deletion =
  | { readonly by: "store"; refusal?(name: string, peers: ResourceReader): Promise<Refusal | undefined> }
  | { readonly by: "hub"; readonly call: "deleteCluster" | "revokeToken" }
  | { readonly by: "nobody"; readonly why: string };

/** A kind as the CLI knows it. Kinds that hold secrets are not among them. */
export interface KnownKind<T extends StoredObject = StoredObject> {
  readonly kind: ResourceKind<T>;
  readonly place: "hub" | "member";
  /** Words for it besides its kind and plural. */
  readonly aliases: readonly string[];
  readonly columns: readonly Column<T>[];
  /** Whether its spec is a person's to write; else why not. */
  readonly authored: true | string;
  readonly deletion: Deletion;
}

const AGENTS = "the cluster's agents write it";

/** Keeps the columns and the kind of one entry to the same type, then forgets which. */
function known<T extends StoredObject>(entry: KnownKind<T>): KnownKind {
  return entry;
}

export const knownKinds: readonly KnownKind[] = [
  known({
    kind: cidrPoolKind,
    place: "hub",
    aliases: ["pool", "pools"],
    columns: poolColumns,
    authored: true,
    deletion: {
      by: "store",
      refusal: async (name, peers) => {
        const ledger = await peers.get(ledgerKind, SINGLETON_NAME);
        return ledger && poolInUse(name, ledger.spec);
      },
    },
  }),
  known({
    kind: clusterKind,
    place: "hub",
    aliases: [],
    columns: clusterColumns,
    authored: true,
    deletion: { by: "hub", call: "deleteCluster" },
  }),
  known({
    kind: clusterLinkKind,
    place: "hub",
    aliases: ["link", "links"],
    columns: linkColumns,
    authored: true,
    deletion: { by: "store" },
  }),
  known({
    kind: joinTokenKind,
    place: "hub",
    aliases: ["token", "tokens"],
    columns: tokenColumns,
    authored: "its secret can't be written down; use `trestle token create`",
    deletion: { by: "hub", call: "revokeToken" },
  }),
  known({
    kind: membershipKind,
    place: "member",
    aliases: [],
    columns: membershipColumns,
    authored: "use `trestle join`",
    deletion: { by: "nobody", why: "use `trestle leave`" },
  }),
  known({
    kind: gatewayKind,
    place: "member",
    aliases: [],
    columns: gatewayColumns,
    authored: AGENTS,
    deletion: { by: "store" },
  }),
  known({
    kind: remoteClusterKind,
    place: "member",
    aliases: ["remote", "remotes"],
    columns: remoteClusterColumns,
    authored: AGENTS,
    deletion: { by: "nobody", why: "delete the link on the hub" },
  }),
  known({
    kind: nodeKind,
    place: "member",
    aliases: [],
    columns: nodeColumns,
    authored: AGENTS,
    deletion: { by: "store" },
  }),
  known({
    kind: ipBlockKind,
    place: "member",
    aliases: ["block", "blocks"],
    columns: ipBlockColumns,
    authored: AGENTS,
    deletion: { by: "store" },
  }),
];

/** The kind that a person's word names, in any case, singular or plural. @throws MeshError `unknown-kind`, naming those there are */
export function kindNamed(place: KnownKind["place"], word: string): KnownKind {
  const asked = word.toLowerCase();
  const names = ({ kind, aliases }: KnownKind): string[] => [kind.kind.toLowerCase(), kind.plural, ...aliases];
  const found = knownKinds.filter((each) => names(each).includes(asked));
  const here = found.find((each) => each.place === place);
  if (here !== undefined) return here;
  if (found.length > 0) throw new MeshError("unknown-kind", elsewhere(place, word), { retry: false });
  const known = knownKinds.filter((each) => each.place === place).map(({ kind }) => kind.plural);
  throw new MeshError("unknown-kind", `there is no kind "${word}"; ${placeName(place)} has ${known.join(", ")}`, {
    retry: false,
  });
}

function elsewhere(place: KnownKind["place"], word: string): string {
  if (place === "hub")
    return `"${word}" is kept in a cluster's own store, not on the hub; name the store with --store FILE or --lab=CLUSTER`;
  return `"${word}" is kept on the hub, not in a cluster's own store; leave --store away (in a lab: --lab, not --lab=CLUSTER)`;
}

function placeName(place: KnownKind["place"]): string {
  return place === "hub" ? "the hub" : "a cluster's store";
}
