import { cidrPoolKind } from "../../crds/cidr-pool.ts";
import { clusterLinkKind } from "../../crds/cluster-link.ts";
import { clusterKind } from "../../crds/cluster.ts";
import { joinTokenKind } from "../../crds/join-token.ts";
import { ledgerKind } from "../../crds/ledger.ts";
import { SINGLETON_NAME } from "../../mesh/names.ts";
import { poolInUse } from "../../mesh/pools.ts";
import { clusterColumns } from "./cluster.ts";
import { linkColumns } from "./link.ts";
import { poolColumns } from "./pool.ts";
import { tokenColumns } from "./token.ts";
import { known } from "./known-kind.ts";
import type { KnownKind } from "./known-kind.ts";

/** What a hub's store holds. */
export const hubKinds: readonly KnownKind[] = [
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
];
